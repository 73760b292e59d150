-- Purpose: a property is fixed when it is first sent. Committed before anything of the run is.
-- Parameters: run_id.
-- Rows: none.
UPDATE audience
SET pinned_run_id = %(run_id)s
WHERE audience.pinned_run_id IS NULL
    AND audience.audience_id IN (
        SELECT run_count.audience_id
        FROM run_count
        WHERE run_count.run_id = %(run_id)s
        AND run_count.planned_add + run_count.planned_remove > 0
    )
