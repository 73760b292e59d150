-- Parameters: trigger, syncer_version, host, pid.
-- Purpose: opens a run.
-- Rows: run_id.
INSERT INTO run (trigger, syncer_version, host, pid)
VALUES (%(trigger)s, %(syncer_version)s, %(host)s, %(pid)s)
RETURNING run_id
