-- Purpose: how this run's changes ended, in contacts, by destination and audience. Counted by page first, and every
-- step once: the planner knows nothing of a run that was just written, and would look up each change by itself. For the
-- same reason the run is a column of the tally: by the whole key each row that is counted is found at once.
-- Parameters: run_id.
-- Rows: none; writes run_count.
WITH planned AS MATERIALIZED (
    SELECT c.destination_id, c.page, c.audience_id, c.op, count(*) AS contacts
    FROM sync_change AS c
    WHERE c.run_id = %(run_id)s AND c.lead AND c.op IN ('added', 'removed')
    GROUP BY c.destination_id, c.page, c.audience_id, c.op
),
paged AS MATERIALIZED (
    SELECT p.destination_id, p.page, CASE WHEN p.status = 'done' THEN 'succeeded' ELSE 'aborted' END AS outcome
    FROM sync_page AS p
    WHERE p.run_id = %(run_id)s
),
excepted AS MATERIALIZED (
    SELECT e.destination_id, e.page, c.audience_id, c.op, e.outcome::text AS outcome, count(*) AS contacts
    FROM sync_exception AS e
    JOIN sync_change AS c
        ON c.run_id = %(run_id)s AND c.destination_id = e.destination_id AND c.page = e.page
        AND c.contact = e.contact AND c.part = e.part
    WHERE e.run_id = %(run_id)s AND c.lead AND c.op IN ('added', 'removed')
    GROUP BY e.destination_id, e.page, c.audience_id, c.op, e.outcome
),
ended AS (
    SELECT planned.destination_id, planned.audience_id, planned.op, paged.outcome, planned.contacts
    FROM planned
    JOIN paged USING (destination_id, page)
    UNION ALL
    SELECT excepted.destination_id, excepted.audience_id, excepted.op, excepted.outcome, excepted.contacts
    FROM excepted
    UNION ALL
    -- An exception was counted above with its page as well: the negative number takes it out there again.
    SELECT excepted.destination_id, excepted.audience_id, excepted.op, paged.outcome, -excepted.contacts
    FROM excepted
    JOIN paged USING (destination_id, page)
),
tally AS MATERIALIZED (
    SELECT
        %(run_id)s::integer AS run_id,
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
WHERE r.run_id = tally.run_id AND r.destination_id = tally.destination_id AND r.audience_id = tally.audience_id
