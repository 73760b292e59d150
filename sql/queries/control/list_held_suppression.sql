-- Purpose: lists the lists of the suppressed that a run was held for, and that still wait for approval.
-- Parameters: run_id.
-- Rows: list, before, entries.
SELECT suppression.list, suppression.entries AS before, suppression.held_entries AS entries
FROM suppression
WHERE suppression.held_run_id <= %(run_id)s
ORDER BY suppression.list
