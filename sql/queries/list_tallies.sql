-- Purpose: what decides the statuses of a run that is about to be closed.
-- Parameters: run_id.
-- Rows: destination_id, destination, failed, unknown, aborted.
SELECT d.destination_id, destination.name AS destination, d.failed, d.unknown, d.aborted
FROM run_destination AS d
JOIN destination USING (destination_id)
WHERE d.run_id = %(run_id)s
ORDER BY d.destination_id
