-- Purpose: what is paused; a null stands for all.
-- Rows: destination_id, audience_id.
SELECT p.destination_id, p.audience_id
FROM pause AS p
