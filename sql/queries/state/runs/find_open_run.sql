-- Purpose: a run that somebody left open. There is at most one.
-- Rows: run_id, phase, host, pid.
SELECT run.run_id, run.phase, run.host, run.pid
FROM run
WHERE run.phase <> 'closed'
