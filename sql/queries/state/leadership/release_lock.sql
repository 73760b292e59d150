-- Purpose: lets the next process sync at once; the end of a session is noticed by the server only a moment later.
-- Parameters: key.
-- Rows: one: released.
SELECT pg_advisory_unlock(%(key)s) AS released
