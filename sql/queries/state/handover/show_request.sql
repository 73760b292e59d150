-- Purpose: what has become of a request, and whether anybody may still answer it: whoever leads, or, once it was begun,
-- whoever began it and leads still. One that is paused, or cut off, leads no more (see show_leading).
-- Parameters: request_id, seconds (after which others may take over).
-- Rows: one: run_id, ended_at, exit_code (null: nobody has done it), problems, awaited.
SELECT
    request.run_id,
    request.ended_at,
    request.exit_code,
    request.problems,
    EXISTS (
        SELECT FROM leader
        WHERE leader.token = coalesce(request.begun_by, leader.token)
            AND leader.renewed_at >= clock_timestamp() - make_interval(secs => %(seconds)s)
            AND session_lives(leader.backend_pid, leader.since)
    ) AS awaited
FROM request
WHERE request.request_id = %(request_id)s
