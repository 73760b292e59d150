-- Purpose: the runs up to this one are added up.
-- Parameters: run_id.
-- Rows: none.
UPDATE installation
SET added_up_run = %(run_id)s + 1
