-- Purpose: renews the leader's lease if it still leads: no other process took over, and its session lives.
-- Parameters: token.
-- Rows: renewed_at, if so.
UPDATE leader
SET renewed_at = clock_timestamp()
WHERE leader.token = %(token)s AND session_lives(leader.backend_pid, leader.since)
RETURNING leader.renewed_at
