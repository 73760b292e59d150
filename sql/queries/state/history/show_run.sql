-- Purpose: a run as it is reported.
-- Parameters: run_id.
-- Rows: none or one: run_id, trigger, status, started_at, finished_at, error, calls_saved, deferred, read,
-- read_because, read_rows, read_bytes, rolls_back_run_id.
SELECT run_id, trigger, coalesce(status, 'running') AS status, started_at, finished_at, error,
    calls_saved, deferred, read, read_because, read_rows, read_bytes,
    rolls_back_run_id
FROM run
WHERE run_id = %(run_id)s
