-- Purpose: lets the probe go.
-- Parameters: key.
-- Rows: none of interest.
SELECT pg_advisory_unlock(%(key)s)
