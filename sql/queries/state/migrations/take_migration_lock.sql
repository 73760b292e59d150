-- Purpose: one process migrates at a time; released with the transaction.
-- Parameters: key.
-- Rows: none of interest.
SELECT pg_advisory_xact_lock(%(key)s)
