-- Purpose: all were asked about.
-- Parameters: reconciliation_id.
-- Rows: none.
UPDATE reconciliation
SET finished_at = clock_timestamp()
WHERE reconciliation_id = %(reconciliation_id)s AND finished_at IS NULL
