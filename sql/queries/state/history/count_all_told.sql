-- Purpose: how many properties of contacts each destination was told.
-- Rows: destination, told_true, told_false.
SELECT
    destination.name AS destination,
    (SELECT count(*) FROM synced_member WHERE synced_member.destination_id = destination.destination_id) AS told_true,
    (SELECT count(*) FROM told_false WHERE told_false.destination_id = destination.destination_id) AS told_false
FROM destination
ORDER BY destination.name
