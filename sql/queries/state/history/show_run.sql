-- Purpose: a run as it is reported.
-- Parameters: run_id.
-- Rows: none or one: run_id, trigger, status, started_at, finished_at, error, calls_saved, deferred.
SELECT r.run_id, r.trigger, coalesce(r.status, 'running') AS status, r.started_at, r.finished_at, r.error,
    r.calls_saved, r.deferred
FROM run AS r
WHERE r.run_id = %(run_id)s
