-- Purpose: renews the leader's lease if it still leads: no other process took over, and its session holds the lock.
-- Parameters: token, key (of the lock).
-- Rows: renewed_at, if so.
UPDATE leader
SET renewed_at = clock_timestamp()
WHERE leader.token = %(token)s AND holds_lock(leader.backend_pid, %(key)s)
RETURNING leader.renewed_at
