-- Purpose: how many runs ended how.
-- Rows: status, runs.
SELECT status, count(*) AS runs
FROM run
WHERE status IS NOT NULL
GROUP BY status
