-- Purpose: what a run held and still waits goes out with the next run.
-- Parameters: run_id; audience_ids, destination_ids (arrays; null: all).
-- Rows: none.
UPDATE held_change
SET approved_at = clock_timestamp()
FROM run_count
JOIN run USING (run_id)
WHERE run_count.run_id = %(run_id)s
    AND run_count.destination_id = held_change.destination_id
    AND run_count.audience_id = held_change.audience_id
    AND run_count.held > 0
    AND held_change.since_run_id <= %(run_id)s
    AND held_change.approved_at IS NULL
    AND held_change.rolls_back_run_id = coalesce(run.rolls_back_run_id, 0)
    AND (held_change.audience_id = ANY (%(audience_ids)s::integer[]) OR %(audience_ids)s::integer[] IS NULL)
    AND (held_change.destination_id = ANY (%(destination_ids)s::integer[]) OR %(destination_ids)s::integer[] IS NULL)
