-- Purpose: whether a run has not ended yet.
-- Parameters: run_id.
-- Rows: none if there is no such run; else one: is_open.
SELECT run.phase <> 'closed' AS is_open
FROM run
WHERE run.run_id = %(run_id)s
