-- Purpose: a random lock of this session, by which the warehouse's session can tell that it is in the same database.
-- Parameters: key.
-- Rows: none of interest.
SELECT pg_advisory_lock(%(key)s)
