-- Purpose: what became of the members in the last run that planned for each destination.
-- Rows: destination, run_id, memberships (in the warehouse), skipped (by reason), planned, succeeded, failed, unknown,
-- aborted (identifies), deferred (contacts).
SELECT
    destination.name AS destination,
    run.run_id,
    coalesce(run.memberships, 0) AS memberships,
    run_destination.skipped,
    run_destination.planned,
    run_destination.succeeded,
    run_destination.failed,
    run_destination.unknown,
    run_destination.aborted,
    (
        SELECT coalesce(sum(run_count.deferred), 0)::bigint
        FROM run_count
        WHERE run_count.run_id = run.run_id AND run_count.destination_id = destination.destination_id
    ) AS deferred
FROM destination
CROSS JOIN LATERAL (
    SELECT last_one.*
    FROM run_destination AS last_one
    JOIN run AS planned_run USING (run_id)
    WHERE last_one.destination_id = destination.destination_id AND planned_run.snapshot_at IS NOT NULL
    ORDER BY last_one.run_id DESC
    LIMIT 1
) AS run_destination
JOIN run ON run.run_id = run_destination.run_id
ORDER BY destination.name
