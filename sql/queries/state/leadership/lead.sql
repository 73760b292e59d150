-- Purpose: leads, unless the session of another leader lives; the token fences off the process that led before.
-- Parameters: token, host, pid, kind (daemon or command).
-- Rows: token, if we lead now.
INSERT INTO leader (token, host, pid, kind, since, backend_pid, renewed_at)
VALUES (%(token)s, %(host)s, %(pid)s, %(kind)s, clock_timestamp(), pg_backend_pid(), clock_timestamp())
ON CONFLICT (only_row) DO UPDATE
SET token = excluded.token,
    host = excluded.host,
    pid = excluded.pid,
    kind = excluded.kind,
    since = excluded.since,
    backend_pid = excluded.backend_pid,
    renewed_at = excluded.renewed_at
WHERE NOT session_lives(leader.backend_pid, leader.since)
RETURNING leader.token
