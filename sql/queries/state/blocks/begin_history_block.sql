-- Purpose: begins a block of so many runs with a run that is in none.
-- Parameters: run_id, runs.
-- Rows: one: first_run, end_run (excluded).
INSERT INTO history_block (first_run, end_run)
VALUES (%(run_id)s, %(run_id)s + %(runs)s)
RETURNING first_run, end_run
