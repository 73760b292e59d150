-- Purpose: how this run's changes ended, in contacts, by destination and audience. Counted by page first, and every
-- step once: the planner knows nothing of a run that was just written, and would look up each change by itself. For the
-- same reason the run is a column of the tally: by the whole key each row that is counted is found at once.
-- Parameters: run_id.
-- Rows: none; writes run_count.
WITH planned AS MATERIALIZED (
    SELECT destination_id, page, audience_id, op, count(*) AS contacts
    FROM sync_change
    WHERE run_id = %(run_id)s AND lead AND op IN ('added', 'removed')
    GROUP BY destination_id, page, audience_id, op
),
paged AS MATERIALIZED (
    SELECT destination_id, page, CASE WHEN status = 'done' THEN 'succeeded' ELSE 'aborted' END AS outcome
    FROM sync_page
    WHERE run_id = %(run_id)s
),
excepted AS MATERIALIZED (
    SELECT
        sync_exception.destination_id,
        sync_exception.page,
        sync_change.audience_id,
        sync_change.op,
        sync_exception.outcome::text AS outcome,
        count(*) AS contacts
    FROM sync_exception
    JOIN sync_change
        ON sync_change.run_id = %(run_id)s
        AND sync_change.destination_id = sync_exception.destination_id
        AND sync_change.page = sync_exception.page
        AND sync_change.contact = sync_exception.contact
        AND sync_change.part = sync_exception.part
    WHERE sync_exception.run_id = %(run_id)s AND sync_change.lead AND sync_change.op IN ('added', 'removed')
    GROUP BY
        sync_exception.destination_id,
        sync_exception.page,
        sync_change.audience_id,
        sync_change.op,
        sync_exception.outcome
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
        destination_id,
        audience_id,
        coalesce(sum(contacts) FILTER (WHERE op = 'added' AND outcome = 'succeeded'), 0) AS succeeded_add,
        coalesce(sum(contacts) FILTER (WHERE op = 'removed' AND outcome = 'succeeded'), 0) AS succeeded_remove,
        coalesce(sum(contacts) FILTER (WHERE op = 'added' AND outcome = 'failed'), 0) AS failed_add,
        coalesce(sum(contacts) FILTER (WHERE op = 'removed' AND outcome = 'failed'), 0) AS failed_remove,
        coalesce(sum(contacts) FILTER (WHERE outcome = 'unknown'), 0) AS unknown,
        coalesce(sum(contacts) FILTER (WHERE outcome = 'aborted'), 0) AS aborted
    FROM ended
    GROUP BY destination_id, audience_id
)
UPDATE run_count
SET succeeded_add = tally.succeeded_add,
    succeeded_remove = tally.succeeded_remove,
    failed_add = tally.failed_add,
    failed_remove = tally.failed_remove,
    unknown = tally.unknown,
    aborted = tally.aborted
FROM tally
WHERE run_count.run_id = tally.run_id
    AND run_count.destination_id = tally.destination_id
    AND run_count.audience_id = tally.audience_id
