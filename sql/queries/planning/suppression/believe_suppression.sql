-- Purpose: keeps how long each list was, in the transaction of the plan that it was part of.
-- Parameters: lists, entries (parallel arrays).
-- Rows: none.
WITH given AS (
    SELECT each.list, each.entries
    FROM unnest(%(lists)s::text[], %(entries)s::bigint[]) AS each (list, entries)
),
gone AS (
    DELETE FROM suppression
    WHERE suppression.list NOT IN (SELECT given.list FROM given)
)
INSERT INTO suppression (list, entries)
SELECT given.list, given.entries
FROM given
ON CONFLICT (list) DO UPDATE SET entries = excluded.entries, held_entries = NULL, held_run_id = NULL
