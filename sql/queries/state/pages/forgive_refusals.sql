-- Purpose: a destination that refuses every contact refuses none of them: what it refused in this run was planned and
-- certainly not applied. Nothing of it is in the state yet: what is held against contacts is written when the run is
-- closed, and from then on this comes too late.
-- Parameters: run_id, destination_id.
-- Rows: none.
UPDATE sync_exception
SET outcome = 'aborted'
FROM run
WHERE run.run_id = %(run_id)s
    AND run.phase = 'planned'
    AND sync_exception.run_id = %(run_id)s
    AND sync_exception.destination_id = %(destination_id)s
    AND sync_exception.outcome = 'failed'
