-- Purpose: deletes the holdouts that ended so long ago that the history of then is dropped.
-- Parameters: keep (seconds).
-- Rows: none.
DELETE FROM held_out
WHERE until < now() - make_interval(secs => %(keep)s)
