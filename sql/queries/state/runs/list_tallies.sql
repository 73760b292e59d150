-- Purpose: what decides the statuses of a run that is about to be closed.
-- Parameters: run_id.
-- Rows: destination_id, destination, failed, unknown, aborted, held (whether something waits for approval there).
SELECT
    d.destination_id,
    destination.name AS destination,
    d.failed,
    d.unknown,
    d.aborted,
    EXISTS (
        SELECT FROM held_change AS h
        WHERE h.destination_id = d.destination_id AND h.approved_at IS NULL
    ) AS held
FROM run_destination AS d
JOIN destination USING (destination_id)
WHERE d.run_id = %(run_id)s
ORDER BY d.destination_id
