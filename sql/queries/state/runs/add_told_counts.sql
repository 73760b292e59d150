-- Purpose: adds to the counts of all runs how this run's changes ended. What adds nothing is not written again.
-- Parameters: run_id (of the run that is being closed, tallied).
-- Rows: none.
INSERT INTO told_count (destination_id, audience_id, succeeded_add, succeeded_remove, failed_add, failed_remove)
SELECT
    run_count.destination_id,
    run_count.audience_id,
    run_count.succeeded_add,
    run_count.succeeded_remove,
    run_count.failed_add,
    run_count.failed_remove
FROM run_count
LEFT JOIN told_count AS known USING (destination_id, audience_id)
WHERE run_count.run_id = %(run_id)s
    AND (
        known.audience_id IS NULL
        OR run_count.succeeded_add + run_count.succeeded_remove + run_count.failed_add + run_count.failed_remove > 0
    )
ON CONFLICT (destination_id, audience_id) DO UPDATE
SET succeeded_add = told_count.succeeded_add + excluded.succeeded_add,
    succeeded_remove = told_count.succeeded_remove + excluded.succeeded_remove,
    failed_add = told_count.failed_add + excluded.failed_add,
    failed_remove = told_count.failed_remove + excluded.failed_remove
