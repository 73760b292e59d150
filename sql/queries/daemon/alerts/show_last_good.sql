-- Purpose: when a run last did its work; what waits for approval and contacts that were refused do not matter.
-- Rows: one: finished_at (null: never).
SELECT max(finished_at) AS finished_at
FROM run
WHERE status IN ('succeeded', 'held', 'incomplete') AND error IS NULL
