-- Purpose: the run that a process left open. There is at most one.
-- Rows: run_id, host, pid.
SELECT run.run_id, run.host, run.pid
FROM run
WHERE run.phase <> 'closed'
