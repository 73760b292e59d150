-- Purpose: gives up what a rollback has not taken back yet.
-- Parameters: run_id (of the rollback, or that it takes back).
-- Rows: none.
DELETE FROM held_change
WHERE held_change.rolls_back_run_id > 0
    AND %(run_id)s IN (held_change.rolls_back_run_id, held_change.since_run_id)
