-- Purpose: a command waits no longer for a request whose beginner is gone, or stands still (see show_request).
-- Parameters: request_id, seconds (after which others may take over).
-- Rows: request_id, unless it has ended meanwhile, or was begun by one who leads.
UPDATE request
SET ended_at = clock_timestamp(), problems = '["the daemon that had begun it is gone"]'
WHERE request.request_id = %(request_id)s
    AND request.ended_at IS NULL
    AND NOT EXISTS (
        SELECT FROM leader
        WHERE leader.token = request.begun_by
            AND leader.renewed_at >= clock_timestamp() - make_interval(secs => %(seconds)s)
            AND session_lives(leader.backend_pid, leader.since)
    )
RETURNING request.request_id
