-- Purpose: everything that waits for approval, in numbers.
-- Rows: destination, audience, op, reason, contacts.
SELECT destination.name AS destination, audience.name AS audience, h.op::text AS op, min(h.reason) AS reason,
    count(*) AS contacts
FROM held_change AS h
JOIN destination ON destination.destination_id = h.destination_id
JOIN audience ON audience.audience_id = h.audience_id
WHERE h.approved_at IS NULL
GROUP BY destination.name, audience.name, h.op
ORDER BY destination.name, audience.name, h.op
