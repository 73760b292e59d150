-- Purpose: the destinations of a run.
-- Parameters: run_id.
-- Rows: name, status, error, planned, succeeded, failed, unknown, aborted, requests, retries, skipped.
SELECT v.destination AS name, v.status, v.error, v.planned, v.succeeded, v.failed, v.unknown, v.aborted, v.requests,
    v.retries, v.skipped
FROM sync_run_destinations AS v
WHERE v.run_id = %(run_id)s
ORDER BY v.destination
