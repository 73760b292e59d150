-- Purpose: how one destination's part in a run ended.
-- Parameters: run_id, destination_id, status, error.
-- Rows: none.
UPDATE run_destination
SET status = %(status)s, error = %(error)s
WHERE run_id = %(run_id)s AND destination_id = %(destination_id)s AND status IS NULL
