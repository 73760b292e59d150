-- Purpose: a property is fixed when it is first sent. Committed before anything of the run is.
-- Parameters: run_id.
-- Rows: none.
UPDATE audience AS a
SET pinned_run_id = %(run_id)s
WHERE a.pinned_run_id IS NULL
    AND a.audience_id IN (
        SELECT r.audience_id
        FROM run_count AS r
        WHERE r.run_id = %(run_id)s
        AND r.planned_add + r.planned_remove > 0
    )
