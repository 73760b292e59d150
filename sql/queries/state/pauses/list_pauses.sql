-- Purpose: what is paused, by key and by name; a null stands for all.
-- Rows: destination_id, audience_id, destination, audience, since.
SELECT p.destination_id, p.audience_id, destination.name AS destination, audience.name AS audience, p.since
FROM pause AS p
LEFT JOIN destination USING (destination_id)
LEFT JOIN audience USING (audience_id)
ORDER BY destination.name NULLS FIRST, audience.name NULLS FIRST
