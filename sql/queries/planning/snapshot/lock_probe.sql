-- Purpose: takes a random lock. The warehouse's session sees it only if both sessions are in the same database.
-- Parameters: key.
-- Rows: none of interest.
SELECT pg_advisory_lock(%(key)s)
