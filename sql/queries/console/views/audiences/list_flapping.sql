-- Purpose: the contacts that entered and left an audience most often lately, of those whose membership changed last.
-- The latest runs are looked at, the newest first, until enough changed contacts are found; then each one's changes are
-- looked up by the contact, and what became of it by its key, in the one part of the history that it is in: joined, all
-- parts may be read for each contact. Of the changes of a run no more than so many are read.
-- Parameters: property, runs (how many of the latest), contacts (how many are looked up), most (rows of a run), limit.
-- Rows: contact, destination, changes (accepted, in these runs), last_run_id, is_in (whether the last one was true).
WITH about AS (
    SELECT audience.audience_id FROM audience WHERE audience.property = %(property)s
),
recent AS (
    SELECT run_count.run_id, run_count.destination_id
    FROM run_count
    WHERE run_count.audience_id = (SELECT about.audience_id FROM about)
        AND run_count.succeeded_add + run_count.succeeded_remove > 0
        AND run_count.run_id > (SELECT max(run.run_id) FROM run) - %(runs)s
    ORDER BY run_count.run_id DESC
),
moved AS (
    SELECT read.destination_id, read.contact
    FROM recent
    CROSS JOIN LATERAL (
        SELECT up_to.destination_id, up_to.contact, up_to.audience_id, up_to.op
        FROM (
            SELECT sync_change.destination_id, sync_change.contact, sync_change.audience_id, sync_change.op
            FROM sync_change
            WHERE sync_change.run_id = recent.run_id AND sync_change.destination_id = recent.destination_id
            ORDER BY sync_change.page
            LIMIT %(most)s
        ) AS up_to
        WHERE up_to.audience_id = (SELECT about.audience_id FROM about) AND up_to.op IN ('added', 'removed')
    ) AS read
    LIMIT %(contacts)s
)
SELECT
    changed.contact,
    destination.name AS destination,
    changed.changes,
    changed.last_run_id,
    changed.is_in
FROM (SELECT DISTINCT moved.destination_id, moved.contact FROM moved) AS who
JOIN destination USING (destination_id)
CROSS JOIN LATERAL (
    SELECT
        who.contact,
        count(*) AS changes,
        max(told.run_id) AS last_run_id,
        (array_agg(told.op = 'added' ORDER BY told.run_id DESC))[1] AS is_in
    FROM (
        SELECT sync_change.run_id, sync_change.page, sync_change.part, sync_change.op
        FROM sync_change
        WHERE sync_change.contact = who.contact
            AND sync_change.destination_id = who.destination_id
            AND sync_change.audience_id = (SELECT about.audience_id FROM about)
            AND sync_change.op IN ('added', 'removed')
            AND sync_change.lead
            AND sync_change.run_id > (SELECT max(run.run_id) FROM run) - %(runs)s
    ) AS told
    CROSS JOIN LATERAL (
        SELECT sync_page.status
        FROM sync_page
        WHERE sync_page.run_id = told.run_id
            AND sync_page.destination_id = who.destination_id
            AND sync_page.page = told.page
        LIMIT 1
    ) AS called
    LEFT JOIN LATERAL (
        SELECT sync_exception.outcome
        FROM sync_exception
        WHERE sync_exception.run_id = told.run_id
            AND sync_exception.destination_id = who.destination_id
            AND sync_exception.page = told.page
            AND sync_exception.contact = who.contact
            AND sync_exception.part = told.part
        LIMIT 1
    ) AS excepted ON true
    WHERE called.status = 'done' AND excepted.outcome IS NULL
) AS changed
WHERE changed.changes >= 3
ORDER BY changed.changes DESC, changed.contact, destination.name
LIMIT %(limit)s
