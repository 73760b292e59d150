-- Purpose: who wrote last that they lead, for the message to those who want to.
-- Rows: none or one: kind, host, pid, since, renewed_at.
SELECT leader.kind, leader.host, leader.pid, leader.since, leader.renewed_at
FROM leader
