-- Purpose: the run in progress. Of what is planned in slices, also those that come later.
-- Rows: none or one: run_id, trigger, phase, started_at, planned, settled (identifies), first_sent_at.
SELECT
    run.run_id,
    run.trigger,
    run.phase,
    run.started_at,
    run.later + (
        SELECT coalesce(sum(run_destination.planned), 0)::bigint
        FROM run_destination
        WHERE run_destination.run_id = run.run_id
    ) AS planned,
    (
        SELECT coalesce(sum(sync_page.identifies), 0)::bigint
        FROM sync_page
        WHERE sync_page.run_id = run.run_id AND sync_page.status IN ('done', 'aborted')
    ) AS settled,
    (
        SELECT min(sync_page.attempted_at)
        FROM sync_page
        WHERE sync_page.run_id = run.run_id AND sync_page.page > 0
    ) AS first_sent_at
FROM run
WHERE run.phase <> 'closed'
