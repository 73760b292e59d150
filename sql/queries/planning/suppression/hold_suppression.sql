-- Purpose: notes that a run was held because of a list, and how long that was: approval of this run believes it. One
-- that is as long as before has been held since then.
-- Parameters: list, entries, run_id.
-- Rows: none.
INSERT INTO suppression (list, entries, held_entries, held_run_id)
VALUES (%(list)s, 0, %(entries)s, %(run_id)s)
ON CONFLICT (list) DO UPDATE
SET held_entries = excluded.held_entries,
    held_run_id = CASE
        WHEN suppression.held_entries = excluded.held_entries THEN suppression.held_run_id
        ELSE excluded.held_run_id
    END
