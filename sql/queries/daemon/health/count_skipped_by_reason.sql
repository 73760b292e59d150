-- Purpose: the members that cannot be sent now, by destination and reason.
-- Rows: name, reason, members.
SELECT destination.name, s.reason, count(*) AS members
FROM skipped_member AS s
JOIN destination USING (destination_id)
GROUP BY destination.name, s.reason
