-- Purpose: adds the run that holds what takes another run back. It reads and sends nothing, so that it is closed with
-- its first breath.
-- Parameters: rolls_back_run_id, syncer_version, host, pid.
-- Rows: run_id.
INSERT INTO run (trigger, phase, status, finished_at, syncer_version, host, pid, rolls_back_run_id)
VALUES (
    'rollback',
    'closed',
    'held',
    clock_timestamp(),
    %(syncer_version)s,
    %(host)s,
    %(pid)s,
    %(rolls_back_run_id)s
)
RETURNING run_id
