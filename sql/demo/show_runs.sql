-- Purpose: an example of people's own SQL, printed and run: what every run told.
-- Rows: one a run.
SELECT run_id, status,
    sum(num_succeeded_add) AS told_true,
    sum(num_succeeded_remove) AS told_false,
    finished_at - started_at AS took
FROM syncer.sync_runs
JOIN syncer.sync_run_counts USING (run_id)
GROUP BY run_id, status, finished_at, started_at
ORDER BY run_id
