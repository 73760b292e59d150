-- Purpose: who holds the lock, for the message to whoever does not.
-- Rows: host, pid, since.
SELECT leader.host, leader.pid, leader.since
FROM leader
