-- Purpose: the lock that lets one process sync at a time; it lasts as long as the session.
-- Parameters: key.
-- Rows: one: taken.
SELECT pg_try_advisory_lock(%(key)s) AS taken
