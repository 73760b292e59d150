-- Purpose: says whether there is such a table.
-- Parameters: table (quoted).
-- Rows: one: found.
SELECT to_regclass(%(table)s::text) IS NOT NULL AS found
