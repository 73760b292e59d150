-- Purpose: the last run that has ended, to see that a sync has run.
-- Rows: one: run_id, null if there is none.
SELECT max(run_id) AS run_id FROM syncer.sync_runs WHERE finished_at IS NOT NULL
