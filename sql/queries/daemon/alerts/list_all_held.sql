-- Purpose: everything that waits for approval, in numbers.
-- Rows: destination, audience, op, reason, contacts.
SELECT
    destination.name AS destination,
    audience.name AS audience,
    held_change.op::text AS op,
    min(held_change.reason) AS reason,
    count(*) AS contacts
FROM held_change
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
WHERE held_change.approved_at IS NULL
GROUP BY destination.name, audience.name, held_change.op
ORDER BY destination.name, audience.name, held_change.op
