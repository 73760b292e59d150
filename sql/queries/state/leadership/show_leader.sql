-- Purpose: who wrote last that they hold the lock, for the message to those who wait for it.
-- Rows: none or one: kind, host, pid, since, renewed_at.
SELECT leader.kind, leader.host, leader.pid, leader.since, leader.renewed_at
FROM leader
