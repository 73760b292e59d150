-- Purpose: which contacts a run held and still waits with, as one number that is another one for others.
-- Parameters: run_id; audience_ids, destination_ids (arrays; null: all).
-- Rows: one: checksum.
SELECT
    coalesce(
        sum(
            hashtextextended(
                concat_ws(
                    ' ', held_change.destination_id, held_change.audience_id, held_change.op, held_change.contact
                ),
                0
            )::numeric
        ),
        0
    )::text AS checksum
FROM held_change
JOIN run_count
    ON run_count.run_id = %(run_id)s
    AND run_count.destination_id = held_change.destination_id
    AND run_count.audience_id = held_change.audience_id
    AND run_count.held > 0
JOIN run ON run.run_id = run_count.run_id
WHERE held_change.since_run_id <= %(run_id)s
    AND held_change.approved_at IS NULL
    AND held_change.rolls_back_run_id = coalesce(run.rolls_back_run_id, 0)
    AND (held_change.audience_id = ANY (%(audience_ids)s::integer[]) OR %(audience_ids)s::integer[] IS NULL)
    AND (held_change.destination_id = ANY (%(destination_ids)s::integer[]) OR %(destination_ids)s::integer[] IS NULL)
