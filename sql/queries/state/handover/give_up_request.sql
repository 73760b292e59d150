-- Purpose: a command waits no longer for a request that was begun: nobody leads any more.
-- Parameters: request_id.
-- Rows: request_id, unless it has ended meanwhile.
UPDATE request
SET ended_at = clock_timestamp(), exit_code = 6, problems = '["the daemon that had begun it is gone"]'
WHERE request_id = %(request_id)s AND ended_at IS NULL
RETURNING request_id
