-- Purpose: when the next run is due by the schedule, and when the last run began, whoever asked for it.
-- Rows: one: next_due_at (null if no daemon ever ran), last_began_at (null if there was no run).
SELECT
    (SELECT s.next_due_at FROM schedule AS s) AS next_due_at,
    (SELECT max(r.started_at) FROM run AS r) AS last_began_at
