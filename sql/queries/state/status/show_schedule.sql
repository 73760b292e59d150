-- Purpose: when the next run is due by the schedule, and when the last run of any kind began.
-- Rows: one: next_due_at (null if no daemon ever ran), last_began_at (null if there was no run).
SELECT
    (SELECT schedule.next_due_at FROM schedule) AS next_due_at,
    (SELECT max(run.started_at) FROM run) AS last_began_at
