-- Purpose: the run in progress.
-- Rows: none or one: run_id, trigger, phase, started_at, planned, settled (identifies), first_sent_at.
SELECT
    r.run_id,
    r.trigger,
    r.phase,
    r.started_at,
    (SELECT coalesce(sum(d.planned), 0)::bigint FROM run_destination AS d WHERE d.run_id = r.run_id) AS planned,
    (
        SELECT coalesce(sum(p.identifies), 0)::bigint
        FROM sync_page AS p
        WHERE p.run_id = r.run_id AND p.status IN ('done', 'aborted')
    ) AS settled,
    (SELECT min(p.attempted_at) FROM sync_page AS p WHERE p.run_id = r.run_id AND p.page > 0) AS first_sent_at
FROM run AS r
WHERE r.phase <> 'closed'
