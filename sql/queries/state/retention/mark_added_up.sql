-- Purpose: the runs up to this one are added up. No row changes if they were, by a process that leads now.
-- Parameters: run_id.
-- Rows: none.
UPDATE installation
SET added_up_run = %(run_id)s + 1
WHERE added_up_run <= %(run_id)s
