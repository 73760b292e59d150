-- Purpose: writes who holds the lock; its token fences off whoever held it before.
-- Parameters: token, host, pid.
-- Rows: none.
INSERT INTO leader (token, host, pid, since)
VALUES (%(token)s, %(host)s, %(pid)s, clock_timestamp())
ON CONFLICT (only_row) DO UPDATE
SET token = excluded.token, host = excluded.host, pid = excluded.pid, since = excluded.since
