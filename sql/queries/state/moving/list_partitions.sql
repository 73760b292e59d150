-- Purpose: the partitions that a state has by now: of its destinations, and of blocks of runs.
-- Parameters: none.
-- Rows: name, parent, bound (as SQL), options (as SQL; empty: none).
SELECT
    c.relname AS name,
    parent.relname AS parent,
    pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound,
    coalesce('WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS options
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid
JOIN pg_catalog.pg_class AS parent ON parent.oid = i.inhparent
WHERE c.relnamespace = current_schema()::regnamespace
    AND c.relkind = 'r'
    AND c.relispartition
ORDER BY c.relname
