-- Purpose: when the daemon last began a reconciliation of this destination that it finished.
-- Parameters: destination_id.
-- Rows: one: began_at (null: never).
SELECT max(started_at) AS began_at
FROM reconciliation
WHERE destination_id = %(destination_id)s AND scheduled AND finished_at IS NOT NULL
