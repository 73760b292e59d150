-- Purpose: what was applied, in order.
-- Rows: checksum.
SELECT m.checksum
FROM schema_migration AS m
ORDER BY m.number
