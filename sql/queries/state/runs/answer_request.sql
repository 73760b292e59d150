-- Purpose: whoever waits for a request knows its run from the moment on at which that is open.
-- Parameters: request_id, run_id.
-- Rows: none.
UPDATE request
SET run_id = %(run_id)s
WHERE request_id = %(request_id)s AND ended_at IS NULL
