-- Purpose: says the number that the next run will have at least, for a preview.
-- Rows: one: run_id.
SELECT coalesce(max(run_id), 0) + 1 AS run_id
FROM run
