-- Purpose: the destinations that the state knows.
-- Rows: destination_id, name, account, told (whether anything was ever sent and accepted there, or may have been).
SELECT
    destination.destination_id,
    destination.name,
    destination.account,
    EXISTS (SELECT FROM synced_member WHERE synced_member.destination_id = destination.destination_id)
    OR EXISTS (SELECT FROM told_false WHERE told_false.destination_id = destination.destination_id)
    OR EXISTS (SELECT FROM uncertain WHERE uncertain.destination_id = destination.destination_id) AS told
FROM destination
ORDER BY destination.destination_id
