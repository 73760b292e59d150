-- Purpose: the destinations that the state knows.
-- Rows: destination_id, name, account, told (whether anybody was ever told anything there).
SELECT
    d.destination_id,
    d.name,
    d.account,
    EXISTS (SELECT FROM synced_member AS m WHERE m.destination_id = d.destination_id)
    OR EXISTS (SELECT FROM told_false AS f WHERE f.destination_id = d.destination_id)
    OR EXISTS (SELECT FROM uncertain AS u WHERE u.destination_id = d.destination_id) AS told
FROM destination AS d
ORDER BY d.destination_id
