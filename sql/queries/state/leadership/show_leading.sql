-- Purpose: who leads now: the lock is held by the session that stands in `leader`.
-- Parameters: key (of the lock).
-- Rows: none or one: kind, host, pid, since, renewed_at.
SELECT leader.kind, leader.host, leader.pid, leader.since, leader.renewed_at
FROM leader
WHERE holds_lock(leader.backend_pid, %(key)s)
