-- Purpose: tables and views for the hint "nearest: …"; cut off where a catalog is huge.
-- Rows: name as one would configure it, with its schema and, if the search_path finds it, without.
SELECT n.nspname || '.' || c.relname AS name, c.relname AS short, pg_catalog.pg_table_is_visible(c.oid) AS visible
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
LIMIT 10000
