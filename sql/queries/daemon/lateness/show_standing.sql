-- Purpose: when a run last did its work, and whether the run in progress still moves: it has just begun, been planned,
-- sent a page or had one answered. A run whose leader is gone is not in progress, and one that only holds what takes
-- another back has done nothing.
-- Rows: one: asked_at, good_began_at (null: none ever did its work), run_id, moved_at (null: no run is in progress),
-- failed_run_id (the last run, if it did not do its work), began_at (of the run in progress), longest (that one of the
-- last ten good runs took, in seconds; null if there were no ten).
SELECT
    clock_timestamp() AS asked_at,
    (
        SELECT good.started_at
        FROM run AS good
        WHERE good.status IN ('succeeded', 'held', 'incomplete')
            AND good.error IS NULL
            AND good.rolls_back_run_id IS NULL
        ORDER BY good.run_id DESC
        LIMIT 1
    ) AS good_began_at,
    running.run_id,
    greatest(
        running.started_at,
        running.snapshot_at,
        (
            SELECT max(greatest(sync_page.attempted_at, sync_page.settled_at))
            FROM sync_page
            WHERE sync_page.run_id = running.run_id
        )
    ) AS moved_at,
    (
        SELECT CASE WHEN ended.status IN ('failed', 'interrupted') OR ended.error IS NOT NULL THEN ended.run_id END
        FROM run AS ended
        WHERE ended.status IS NOT NULL AND ended.rolls_back_run_id IS NULL
        ORDER BY ended.run_id DESC
        LIMIT 1
    ) AS failed_run_id,
    running.started_at AS began_at,
    (
        SELECT CASE WHEN count(*) = 10 THEN max(extract(epoch FROM lately.took))::float8 END
        FROM (
            SELECT good.finished_at - good.started_at AS took
            FROM run AS good
            WHERE good.status IN ('succeeded', 'held', 'incomplete')
                AND good.error IS NULL
                AND good.rolls_back_run_id IS NULL
            ORDER BY good.run_id DESC
            LIMIT 10
        ) AS lately
    ) AS longest
FROM (VALUES (true)) AS always (one_row)
LEFT JOIN run AS running
    ON running.phase <> 'closed'
        AND EXISTS (SELECT FROM leader WHERE session_lives(leader.backend_pid, leader.since))
