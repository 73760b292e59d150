-- Purpose: releases the lock of lock_probe.
-- Parameters: key.
-- Rows: none of interest.
SELECT pg_advisory_unlock(%(key)s)
