-- Purpose: how much all runs read of the warehouse.
-- Rows: read (everything, or changes), rows, size (bytes).
SELECT read, sum(read_rows)::bigint AS rows, sum(read_bytes)::bigint AS size
FROM run
WHERE read IS NOT NULL
GROUP BY read
