-- Purpose: how the identifies of the latest runs ended at each destination, run by run, oldest first.
-- Parameters: runs (how many of the latest).
-- Rows: destination, run_id, started_at, status, succeeded, failed, unknown, aborted.
SELECT
    destination.name AS destination,
    run.run_id,
    run.started_at,
    coalesce(run_destination.status, 'running') AS status,
    run_destination.succeeded,
    run_destination.failed,
    run_destination.unknown,
    run_destination.aborted
FROM run_destination
JOIN run USING (run_id)
JOIN destination USING (destination_id)
WHERE run_destination.run_id > (SELECT coalesce(max(newest.run_id), 0) FROM run AS newest) - %(runs)s
ORDER BY destination.name, run.run_id
