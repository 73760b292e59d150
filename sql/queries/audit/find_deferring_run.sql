-- Purpose: finds the last run that planned for a destination, if it deferred something there.
-- Parameters: destination_id.
-- Rows: none or one: run_id.
SELECT last_run.run_id
FROM (
    SELECT max(run_destination.run_id) AS run_id
    FROM run_destination
    JOIN run USING (run_id)
    WHERE run_destination.destination_id = %(destination_id)s AND run.snapshot_at IS NOT NULL
) AS last_run
JOIN run USING (run_id)
WHERE run.deferred > 0
