-- Parameters: trigger, scheduled_at (null: somebody asked for it), syncer_version, host, pid.
-- Purpose: opens a run.
-- Rows: run_id.
INSERT INTO run (trigger, scheduled_at, syncer_version, host, pid)
VALUES (%(trigger)s, %(scheduled_at)s, %(syncer_version)s, %(host)s, %(pid)s)
RETURNING run_id
