-- Purpose: what has become of a request.
-- Parameters: request_id.
-- Rows: one: begun_at, run_id, ended_at, exit_code, problems.
SELECT begun_at, run_id, ended_at, exit_code, problems
FROM request
WHERE request_id = %(request_id)s
