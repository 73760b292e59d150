-- Purpose: the run that this very process has open. Another machine may give the same number to a process.
-- Parameters: host, pid.
-- Rows: none or one: run_id.
SELECT run.run_id
FROM run
WHERE run.phase <> 'closed' AND run.host = %(host)s AND run.pid = %(pid)s
