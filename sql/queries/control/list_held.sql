-- Purpose: what a run held and still waits for approval.
-- Parameters: run_id; audience_ids, destination_ids (arrays; null: all).
-- Rows: destination, audience, property, op, reason, contacts.
SELECT destination.name AS destination, audience.name AS audience, audience.property, held_change.op::text AS op,
    min(held_change.reason) AS reason, count(*) AS contacts
FROM held_change
JOIN run_count
    ON run_count.run_id = %(run_id)s
    AND run_count.destination_id = held_change.destination_id
    AND run_count.audience_id = held_change.audience_id
    AND run_count.held > 0
JOIN destination ON destination.destination_id = held_change.destination_id
JOIN audience ON audience.audience_id = held_change.audience_id
WHERE held_change.since_run_id <= %(run_id)s
    AND held_change.approved_at IS NULL
    AND (held_change.audience_id = ANY (%(audience_ids)s::integer[]) OR %(audience_ids)s::integer[] IS NULL)
    AND (held_change.destination_id = ANY (%(destination_ids)s::integer[]) OR %(destination_ids)s::integer[] IS NULL)
GROUP BY destination.name, audience.name, audience.property, held_change.op
ORDER BY destination.name, audience.name, held_change.op
