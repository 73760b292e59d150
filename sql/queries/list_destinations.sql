-- Purpose: the destinations that the state knows.
-- Rows: destination_id, name.
SELECT d.destination_id, d.name
FROM destination AS d
ORDER BY d.destination_id
