-- Purpose: closes a run that is open.
-- Parameters: run_id, status, error.
-- Rows: run_id, if it was open.
UPDATE run
SET phase = 'closed', status = %(status)s, error = %(error)s, finished_at = clock_timestamp()
WHERE run_id = %(run_id)s AND phase <> 'closed'
RETURNING run_id
