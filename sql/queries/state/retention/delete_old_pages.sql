-- Purpose: pages of runs whose changes are dropped go with them.
-- Parameters: first_run, end_run (excluded).
-- Rows: none.
DELETE FROM sync_page AS p
WHERE p.run_id >= %(first_run)s AND p.run_id < %(end_run)s
