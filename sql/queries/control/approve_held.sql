-- Purpose: what a run held and still waits goes out with the next run.
-- Parameters: run_id; audience_ids, destination_ids (arrays; null: all).
-- Rows: none.
UPDATE held_change AS h
SET approved_at = clock_timestamp()
FROM run_count AS c
WHERE c.run_id = %(run_id)s
    AND c.destination_id = h.destination_id
    AND c.audience_id = h.audience_id
    AND c.held > 0
    AND h.since_run_id <= %(run_id)s
    AND h.approved_at IS NULL
    AND (h.audience_id = ANY (%(audience_ids)s::integer[]) OR %(audience_ids)s::integer[] IS NULL)
    AND (h.destination_id = ANY (%(destination_ids)s::integer[]) OR %(destination_ids)s::integer[] IS NULL)
