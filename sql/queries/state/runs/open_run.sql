-- Purpose: opens a run.
-- Parameters: trigger, scheduled_at (null: it was asked for), syncer_version, host, pid.
-- Rows: run_id.
INSERT INTO run (trigger, scheduled_at, syncer_version, host, pid)
VALUES (%(trigger)s, %(scheduled_at)s, %(syncer_version)s, %(host)s, %(pid)s)
RETURNING run_id
