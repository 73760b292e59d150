-- Purpose: lists the runs of which a destination is to take something back now, and the audiences that it is about.
-- Parameters: destination_id.
-- Rows: run_id, audience_id.
SELECT DISTINCT approved_rollback.rolls_back_run_id AS run_id, approved_rollback.audience_id
FROM approved_rollback
WHERE approved_rollback.destination_id = %(destination_id)s
