-- Purpose: the members that cannot be sent now, by destination and reason.
-- Rows: name, reason, members.
SELECT destination.name, skipped_member.reason, count(*) AS members
FROM skipped_member
JOIN destination USING (destination_id)
GROUP BY destination.name, skipped_member.reason
