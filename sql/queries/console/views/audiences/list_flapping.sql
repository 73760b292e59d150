-- Purpose: the contacts that entered and left an audience most often lately, of those whose membership changed last.
-- The latest runs are looked at, the newest first, until enough changed contacts are found; then each one's changes are
-- looked up by the contact. Of the changes of a run no more than so many are read.
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
        max(accepted_change.run_id) AS last_run_id,
        (array_agg(accepted_change.op = 'added' ORDER BY accepted_change.run_id DESC))[1] AS is_in
    FROM accepted_change
    WHERE accepted_change.contact = who.contact
        AND accepted_change.destination_id = who.destination_id
        AND accepted_change.audience_id = (SELECT about.audience_id FROM about)
        AND accepted_change.op IN ('added', 'removed')
        AND accepted_change.lead
        AND accepted_change.run_id > (SELECT max(run.run_id) FROM run) - %(runs)s
) AS changed
WHERE changed.changes >= 3
ORDER BY changed.changes DESC, changed.contact, destination.name
LIMIT %(limit)s
