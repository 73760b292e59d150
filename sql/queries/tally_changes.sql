-- Purpose: how this run's changes ended, in contacts, by destination and audience.
-- Parameters: run_id.
-- Rows: none; writes run_count.
WITH ended AS (
    SELECT
        c.destination_id,
        c.audience_id,
        c.op,
        CASE
            WHEN e.outcome IS NOT NULL THEN e.outcome::text
            WHEN p.status = 'done' THEN 'succeeded'
            ELSE 'aborted'
        END AS outcome,
        count(*) AS contacts
    FROM sync_change AS c
    JOIN sync_page AS p
        ON p.run_id = %(run_id)s AND p.destination_id = c.destination_id AND p.page = c.page
    LEFT JOIN sync_exception AS e
        ON e.run_id = %(run_id)s AND e.destination_id = c.destination_id AND e.page = c.page
        AND e.contact = c.contact AND e.part = c.part
    WHERE c.run_id = %(run_id)s AND c.lead AND c.op IN ('added', 'removed')
    GROUP BY 1, 2, 3, 4
),
tally AS (
    SELECT
        ended.destination_id,
        ended.audience_id,
        coalesce(sum(contacts) FILTER (WHERE op = 'added' AND outcome = 'succeeded'), 0) AS succeeded_add,
        coalesce(sum(contacts) FILTER (WHERE op = 'removed' AND outcome = 'succeeded'), 0) AS succeeded_remove,
        coalesce(sum(contacts) FILTER (WHERE op = 'added' AND outcome = 'failed'), 0) AS failed_add,
        coalesce(sum(contacts) FILTER (WHERE op = 'removed' AND outcome = 'failed'), 0) AS failed_remove,
        coalesce(sum(contacts) FILTER (WHERE outcome = 'unknown'), 0) AS unknown,
        coalesce(sum(contacts) FILTER (WHERE outcome = 'aborted'), 0) AS aborted
    FROM ended
    GROUP BY ended.destination_id, ended.audience_id
)
UPDATE run_count AS r
SET succeeded_add = tally.succeeded_add,
    succeeded_remove = tally.succeeded_remove,
    failed_add = tally.failed_add,
    failed_remove = tally.failed_remove,
    unknown = tally.unknown,
    aborted = tally.aborted
FROM tally
WHERE r.run_id = %(run_id)s AND r.destination_id = tally.destination_id AND r.audience_id = tally.audience_id
