-- Purpose: believes the lists of the suppressed that this run was held for, at the length that they had.
-- Parameters: run_id.
-- Rows: none.
UPDATE suppression
SET entries = suppression.held_entries, held_entries = NULL, held_run_id = NULL
WHERE suppression.held_run_id <= %(run_id)s
