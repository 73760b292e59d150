-- Purpose: what a run held and still waits for approval.
-- Parameters: run_id; audience_ids, destination_ids (arrays; null: all); most (at which the counting of an audience at
-- a destination ends; null: never).
-- Rows: destination, audience, property, op, reason, contacts.
SELECT
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    held.op::text AS op,
    (
        SELECT held_change.reason
        FROM held_change
        WHERE held_change.destination_id = run_count.destination_id
            AND held_change.audience_id = run_count.audience_id
            AND held_change.op = held.op
            AND held_change.since_run_id <= %(run_id)s
            AND held_change.approved_at IS NULL
            AND held_change.rolls_back_run_id = coalesce(run.rolls_back_run_id, 0)
        ORDER BY held_change.since_run_id
        LIMIT 1
    ) AS reason,
    held.contacts
FROM run_count
JOIN run USING (run_id)
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
CROSS JOIN LATERAL (
    SELECT counted.op, count(*) AS contacts
    FROM (
        SELECT held_change.op
        FROM held_change
        WHERE held_change.destination_id = run_count.destination_id
            AND held_change.audience_id = run_count.audience_id
            AND held_change.since_run_id <= %(run_id)s
            AND held_change.approved_at IS NULL
            AND held_change.rolls_back_run_id = coalesce(run.rolls_back_run_id, 0)
        ORDER BY held_change.since_run_id
        LIMIT %(most)s
    ) AS counted
    GROUP BY counted.op
) AS held
WHERE run_count.run_id = %(run_id)s
    AND run_count.held > 0
    AND (run_count.audience_id = ANY (%(audience_ids)s::integer[]) OR %(audience_ids)s::integer[] IS NULL)
    AND (run_count.destination_id = ANY (%(destination_ids)s::integer[]) OR %(destination_ids)s::integer[] IS NULL)
ORDER BY destination.name, audience.name, held.op
