-- Purpose: when the next run is due by the schedule, and when the last run of any kind began: the last by its number,
-- for a clock may have been ahead. One that was broken off, as by a restart of the daemon, is still owed, and one that
-- only holds what takes another back is none.
-- Rows: one: next_due_at (null if no daemon ever ran), last_began_at (null if there was no run).
SELECT
    (SELECT schedule.next_due_at FROM schedule) AS next_due_at,
    (
        SELECT run.started_at
        FROM run
        WHERE run.status IS DISTINCT FROM 'interrupted' AND run.rolls_back_run_id IS NULL
        ORDER BY run.run_id DESC
        LIMIT 1
    ) AS last_began_at
