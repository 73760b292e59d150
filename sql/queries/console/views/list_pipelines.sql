-- Purpose: what became of the members in a run, at each of its destinations; or in the last run that planned for each.
-- Of a run in progress the outcomes are those of the pages that were answered so far. Exceptions are counted up to a
-- number of them.
-- Parameters: run_id (null: the last one of each destination), most (at which counting ends).
-- Rows: destination, run_id, running, members (users of each audience), unchanged (members without anything to add),
-- skipped (rows that cannot be told, by reason), held, deferred (contacts of each audience), planned, succeeded,
-- failed, unknown, aborted (identifies).
SELECT
    destination.name AS destination,
    run.run_id,
    run.phase <> 'closed' AS running,
    counted.members,
    greatest(counted.members - counted.to_add - naming.skipped, 0) AS unchanged,
    run_destination.skipped,
    counted.held,
    counted.deferred,
    run_destination.planned,
    CASE
        WHEN run.phase = 'closed' THEN run_destination.succeeded
        ELSE pages.settled - exceptions.failed - exceptions.unknown - exceptions.aborted
    END AS succeeded,
    CASE WHEN run.phase = 'closed' THEN run_destination.failed ELSE exceptions.failed END AS failed,
    CASE WHEN run.phase = 'closed' THEN run_destination.unknown ELSE exceptions.unknown END AS unknown,
    CASE WHEN run.phase = 'closed' THEN run_destination.aborted ELSE pages.aborted + exceptions.aborted END AS aborted
FROM destination
CROSS JOIN LATERAL (
    SELECT last_one.*
    FROM run_destination AS last_one
    JOIN run AS planned_run USING (run_id)
    WHERE last_one.destination_id = destination.destination_id
        AND planned_run.snapshot_at IS NOT NULL
        AND (%(run_id)s::integer IS NULL OR last_one.run_id = %(run_id)s)
    ORDER BY last_one.run_id DESC
    LIMIT 1
) AS run_destination
JOIN run ON run.run_id = run_destination.run_id
CROSS JOIN LATERAL (
    SELECT
        -- Members that are not counted yet are those of a first sync: each is to be added.
        coalesce(
            sum(coalesce(run_count.members, run_count.planned_add + run_count.deferred_add)), 0
        )::bigint AS members,
        coalesce(sum(run_count.planned_add + run_count.held_add + run_count.deferred_add), 0)::bigint AS to_add,
        coalesce(sum(run_count.held), 0)::bigint AS held,
        coalesce(sum(run_count.deferred), 0)::bigint AS deferred
    FROM run_count
    WHERE run_count.run_id = run.run_id AND run_count.destination_id = destination.destination_id
) AS counted
CROSS JOIN LATERAL (
    -- The rows that name no user are not among the members.
    SELECT coalesce(sum(reason.rows::bigint), 0)::bigint AS skipped
    FROM jsonb_each_text(run_destination.skipped) AS reason (name, rows)
    WHERE reason.name NOT IN ('no_user_id', 'no_audience', 'shared_user_id')
) AS naming
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(sync_page.identifies) FILTER (WHERE sync_page.status = 'done'), 0)::bigint AS settled,
        coalesce(sum(sync_page.identifies) FILTER (WHERE sync_page.status = 'aborted'), 0)::bigint AS aborted
    FROM sync_page
    WHERE sync_page.run_id = run.run_id
        AND sync_page.destination_id = destination.destination_id
        AND sync_page.page > 0
        AND run.phase <> 'closed'
) AS pages
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE up_to.outcome = 'failed') AS failed,
        count(*) FILTER (WHERE up_to.outcome = 'unknown') AS unknown,
        count(*) FILTER (WHERE up_to.outcome = 'aborted') AS aborted
    FROM (
        SELECT sync_exception.outcome
        FROM sync_exception
        WHERE sync_exception.run_id = run.run_id
            AND sync_exception.destination_id = destination.destination_id
            AND run.phase <> 'closed'
        LIMIT %(most)s
    ) AS up_to
) AS exceptions
ORDER BY destination.name
