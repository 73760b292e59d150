-- Purpose: a destination that refuses every contact refuses none of them: what it refused in this run was planned and
-- certainly not applied. Nothing of it is in the state yet; what is held against contacts is written when the run ends.
-- Parameters: run_id, destination_id.
-- Rows: none.
UPDATE sync_exception
SET outcome = 'aborted'
WHERE run_id = %(run_id)s AND destination_id = %(destination_id)s AND outcome = 'failed'
