-- Purpose: what is paused, by key and by name; a null stands for all.
-- Rows: destination_id, audience_id, destination, audience, since.
SELECT pause.destination_id, pause.audience_id, destination.name AS destination, audience.name AS audience, pause.since
FROM pause
LEFT JOIN destination USING (destination_id)
LEFT JOIN audience USING (audience_id)
ORDER BY destination.name NULLS FIRST, audience.name NULLS FIRST
