-- Purpose: which backend serves this session, to see through a connection pooler.
-- Rows: one: pid.
SELECT pg_backend_pid() AS pid
