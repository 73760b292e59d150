-- Purpose: who leads now: the lock is held by the session that stands in `leader`, and its lease was renewed. One that is
-- paused, or cut off, leads no more: whoever asks for the lock ends its session.
-- Parameters: key (of the lock), seconds (after which others may take over).
-- Rows: none or one: kind, host, pid, since, renewed_at.
SELECT leader.kind, leader.host, leader.pid, leader.since, leader.renewed_at
FROM leader
WHERE leader.renewed_at >= clock_timestamp() - make_interval(secs => %(seconds)s)
    AND holds_lock(leader.backend_pid, %(key)s)
