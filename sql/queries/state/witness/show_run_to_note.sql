-- Purpose: what tells a run from every other, also from one that was given the same number in a restored state, and
-- how far it is: the pages that have an end.
-- Parameters: run_id.
-- Rows: one: run_id, nonce, closed, settled, at (now).
SELECT
    run.run_id,
    run.nonce,
    run.phase = 'closed' AS closed,
    (
        SELECT count(*)
        FROM sync_page
        WHERE sync_page.run_id = run.run_id AND sync_page.status IN ('done', 'aborted')
    ) AS settled,
    clock_timestamp() AS at
FROM run
WHERE run.run_id = %(run_id)s
