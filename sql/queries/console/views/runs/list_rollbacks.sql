-- Purpose: what waits of the rollbacks of a run.
-- Parameters: run_id (of the run that they take back).
-- Rows: run_id (of the rollback), waiting (for approval), approved (to be told by the next run).
SELECT
    held_change.since_run_id AS run_id,
    count(*) FILTER (WHERE held_change.approved_at IS NULL) AS waiting,
    count(*) FILTER (WHERE held_change.approved_at IS NOT NULL) AS approved
FROM held_change
WHERE held_change.rolls_back_run_id > 0 AND held_change.rolls_back_run_id = %(run_id)s
GROUP BY held_change.since_run_id
ORDER BY held_change.since_run_id
