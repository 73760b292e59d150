-- Purpose: what is paused, in names; a null stands for all.
-- Rows: destination, audience, since.
SELECT destination.name AS destination, audience.name AS audience, p.since
FROM pause AS p
LEFT JOIN destination USING (destination_id)
LEFT JOIN audience USING (audience_id)
ORDER BY destination.name NULLS FIRST, audience.name NULLS FIRST
