-- Purpose: what a run held and still waits for approval.
-- Parameters: run_id; audience_ids, destination_ids (arrays; null: all).
-- Rows: destination, audience, property, op, reason, contacts.
SELECT destination.name AS destination, audience.name AS audience, audience.property, h.op::text AS op,
    min(h.reason) AS reason, count(*) AS contacts
FROM held_change AS h
JOIN run_count AS c
    ON c.run_id = %(run_id)s AND c.destination_id = h.destination_id AND c.audience_id = h.audience_id AND c.held > 0
JOIN destination ON destination.destination_id = h.destination_id
JOIN audience ON audience.audience_id = h.audience_id
WHERE h.since_run_id <= %(run_id)s
    AND h.approved_at IS NULL
    AND (h.audience_id = ANY (%(audience_ids)s::integer[]) OR %(audience_ids)s::integer[] IS NULL)
    AND (h.destination_id = ANY (%(destination_ids)s::integer[]) OR %(destination_ids)s::integer[] IS NULL)
GROUP BY destination.name, audience.name, audience.property, h.op
ORDER BY destination.name, audience.name, h.op
