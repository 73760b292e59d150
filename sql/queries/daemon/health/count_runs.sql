-- Purpose: how many runs ended how.
-- Rows: status, runs.
SELECT r.status, count(*) AS runs
FROM run AS r
WHERE r.status IS NOT NULL
GROUP BY r.status
