-- Purpose: how many audiences of a run were set aside.
-- Parameters: run_id.
-- Rows: one: problems.
SELECT count(*) AS problems
FROM run_audience
WHERE run_id = %(run_id)s AND problem IS NOT NULL
