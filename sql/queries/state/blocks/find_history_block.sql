-- Purpose: finds the block of runs whose history is kept with that of a run.
-- Parameters: run_id.
-- Rows: none or one: first_run, end_run (excluded).
SELECT first_run, end_run
FROM history_block
WHERE first_run <= %(run_id)s AND end_run > %(run_id)s
ORDER BY first_run DESC
LIMIT 1
