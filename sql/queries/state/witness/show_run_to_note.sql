-- Purpose: what tells a run from every other, also from one that was given the same number in a restored state.
-- Parameters: run_id.
-- Rows: one: run_id, nonce, closed, at (now).
SELECT run_id, nonce, phase = 'closed' AS closed, clock_timestamp() AS at
FROM run
WHERE run_id = %(run_id)s
