-- Purpose: what has become of a request.
-- Parameters: request_id.
-- Rows: one: begun_at, run_id, ended_at, exit_code, problems.
SELECT r.begun_at, r.run_id, r.ended_at, r.exit_code, r.problems
FROM request AS r
WHERE r.request_id = %(request_id)s
