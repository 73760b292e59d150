-- Purpose: what was applied, in order.
-- Rows: checksum.
SELECT checksum
FROM schema_migration
ORDER BY number
