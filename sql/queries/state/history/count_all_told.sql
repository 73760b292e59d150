-- Purpose: how many properties of contacts each destination was told.
-- Rows: destination, told_true, told_false.
SELECT
    destination.name AS destination,
    (SELECT count(*) FROM synced_member AS m WHERE m.destination_id = destination.destination_id) AS told_true,
    (SELECT count(*) FROM told_false AS f WHERE f.destination_id = destination.destination_id) AS told_false
FROM destination
ORDER BY destination.name
