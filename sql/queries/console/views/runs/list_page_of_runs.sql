-- Purpose: a page of runs, newest first.
-- Parameters: before (only runs with a smaller number; null: from the newest), status, destination, property, since,
-- until (dates in UTC; the last day counts) (each null: any), limit.
-- Rows: run_id, trigger, status, started_at, finished_at, memberships, added, not_added, removed, not_removed (contacts
-- over all destinations: accepted, and planned but not accepted; null of runs whose history was dropped).
SELECT
    page.run_id,
    page.trigger,
    page.status,
    page.started_at,
    page.finished_at,
    page.memberships,
    counted.added,
    counted.planned_add - counted.added AS not_added,
    counted.removed,
    counted.planned_remove - counted.removed AS not_removed
FROM (
    SELECT sync_runs.run_id, trigger, status, started_at, finished_at, memberships
    FROM sync_runs
    WHERE (%(before)s::integer IS NULL OR sync_runs.run_id < %(before)s)
        AND (%(status)s::text IS NULL OR sync_runs.status = %(status)s)
        AND (%(since)s::date IS NULL OR sync_runs.started_at >= %(since)s::date::timestamp AT TIME ZONE 'UTC')
        AND (%(until)s::date IS NULL OR sync_runs.started_at < (%(until)s::date + 1)::timestamp AT TIME ZONE 'UTC')
        AND (
            %(destination)s::text IS NULL
            OR EXISTS (
                SELECT FROM sync_run_destinations
                WHERE sync_run_destinations.run_id = sync_runs.run_id
                    AND sync_run_destinations.destination = %(destination)s
            )
        )
        AND (
            %(property)s::text IS NULL
            OR sync_runs.run_id IN (
                SELECT run_audience.run_id
                FROM run_audience
                WHERE run_audience.audience_id = (
                    SELECT audience.audience_id FROM audience WHERE audience.property = %(property)s
                )
            )
        )
    ORDER BY sync_runs.run_id DESC
    LIMIT %(limit)s
) AS page
LEFT JOIN LATERAL (
    SELECT
        coalesce(sum(run_count.succeeded_add), 0)::bigint AS added,
        coalesce(sum(run_count.planned_add), 0)::bigint AS planned_add,
        coalesce(sum(run_count.succeeded_remove), 0)::bigint AS removed,
        coalesce(sum(run_count.planned_remove), 0)::bigint AS planned_remove
    FROM run_count
    WHERE run_count.run_id = page.run_id
    HAVING page.run_id >= (SELECT min(history_block.first_run) FROM history_block)
) AS counted ON true
ORDER BY page.run_id DESC
