-- Purpose: adds a slice to the plan of a run, if this process still leads: its last statement. The next leader waits
-- for it before it leads, so it finds the whole slice, or none is added any more.
-- Parameters: run_id, token (the leader's), calls_saved, told (contacts that were deferred until now).
-- Rows: run_id; no row unless it is the leader's run, and open.
UPDATE run
SET calls_saved = calls_saved + %(calls_saved)s, deferred = deferred - %(told)s, later = later - %(told)s
WHERE run_id = %(run_id)s
    AND phase = 'planned'
    AND EXISTS (SELECT FROM leader WHERE leader.token = %(token)s FOR SHARE)
RETURNING run_id
