-- Purpose: what decides the statuses of a run that is about to be closed.
-- Parameters: run_id.
-- Rows: destination_id, destination, failed, unknown, aborted, held (whether something waits for approval there).
SELECT
    run_destination.destination_id,
    destination.name AS destination,
    run_destination.failed,
    run_destination.unknown,
    run_destination.aborted,
    EXISTS (
        SELECT FROM held_change
        WHERE held_change.destination_id = run_destination.destination_id AND held_change.approved_at IS NULL
    ) AS held
FROM run_destination
JOIN destination USING (destination_id)
WHERE run_destination.run_id = %(run_id)s
ORDER BY run_destination.destination_id
