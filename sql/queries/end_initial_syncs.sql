-- Purpose: an initial sync ends with the first run that leaves no member to add, skipped and refused ones aside.
-- Parameters: run_id (tallied).
-- Rows: none.
INSERT INTO initial_sync (destination_id, audience_id, ended_run_id)
SELECT r.destination_id, r.audience_id, r.run_id
FROM run_count AS r
WHERE r.run_id = %(run_id)s
    AND r.initial
    AND r.planned_add = r.succeeded_add + r.failed_add
    AND r.held = 0
ON CONFLICT (destination_id, audience_id) DO NOTHING
