-- Purpose: the destinations of a run.
-- Parameters: run_id.
-- Rows: name, status, error, planned, succeeded, failed, unknown, aborted, requests, retries, skipped.
SELECT destination AS name, status, error, planned, succeeded, failed, unknown, aborted, requests,
    retries, skipped
FROM sync_run_destinations
WHERE run_id = %(run_id)s
ORDER BY destination
