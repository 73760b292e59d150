-- Purpose: how many contacts were last told true for an audience, by destination.
-- Parameters: audience_id.
-- Rows: destination, contacts.
SELECT destination.name AS destination, count(DISTINCT synced_member.contact) AS contacts
FROM synced_member
JOIN destination USING (destination_id)
WHERE synced_member.audience_id = %(audience_id)s
GROUP BY destination.name
ORDER BY destination.name
