-- Purpose: who leads now: the session that stands in `leader` lives, and its lease was renewed. One that is paused, or
-- cut off, leads no more: whoever wants to lead ends its session.
-- Parameters: seconds (after which others may take over).
-- Rows: none or one: kind, host, pid, since, renewed_at.
SELECT leader.kind, leader.host, leader.pid, leader.since, leader.renewed_at
FROM leader
WHERE leader.renewed_at >= clock_timestamp() - make_interval(secs => %(seconds)s)
    AND session_lives(leader.backend_pid, leader.since)
