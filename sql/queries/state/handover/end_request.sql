-- Purpose: a request has been dealt with.
-- Parameters: request_id, run_id (null: no run was opened), exit_code, problems.
-- Rows: none.
UPDATE request
SET ended_at = clock_timestamp(), run_id = %(run_id)s, exit_code = %(exit_code)s, problems = %(problems)s
WHERE request_id = %(request_id)s AND ended_at IS NULL
