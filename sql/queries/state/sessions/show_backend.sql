-- Purpose: which backend serves this session now, to see through a connection pooler.
-- Rows: one: pid.
SELECT pg_backend_pid() AS pid
