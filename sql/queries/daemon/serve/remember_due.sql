-- Purpose: when the next run is due, for the next daemon and for `status`. Only the leader says so.
-- Parameters: next_due_at, token (of the leader).
-- Rows: none.
INSERT INTO schedule (next_due_at)
SELECT %(next_due_at)s
FROM leader
WHERE leader.token = %(token)s
ON CONFLICT (only_row) DO UPDATE
SET next_due_at = excluded.next_due_at
WHERE schedule.next_due_at <> excluded.next_due_at
