-- Purpose: the table that a configured name means on this connection, and its columns; needs no right to read it.
-- Parameters: table, a quoted name for to_regclass (which follows the search_path).
-- Rows: none or one: schema, name, its columns in order, is_view.
SELECT n.nspname AS schema, c.relname AS name,
    array(
        SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
    ) AS columns,
    c.relkind = 'v' AS is_view
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass(%(table)s)
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
