-- Purpose: the destinations that the state knows.
-- Rows: destination_id, name, account.
SELECT d.destination_id, d.name, d.account
FROM destination AS d
ORDER BY d.destination_id
