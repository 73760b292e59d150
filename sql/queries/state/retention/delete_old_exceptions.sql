-- Purpose: exceptions of runs whose changes are dropped go with them.
-- Parameters: first_run, end_run (excluded).
-- Rows: none.
DELETE FROM sync_exception
WHERE run_id >= %(first_run)s AND run_id < %(end_run)s
