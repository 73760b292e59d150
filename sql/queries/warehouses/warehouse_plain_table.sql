-- Purpose: the table that a configured name means on this connection, if its rows are those that it has stored: it is
-- no view, has no policies, and no other tables have rows of it.
-- Parameters: table, a quoted name for to_regclass (which follows the search_path).
-- Rows: none or one: name.
SELECT c.relname AS name
FROM pg_catalog.pg_class AS c
WHERE c.oid = pg_catalog.to_regclass(%(table)s)
    AND c.relkind = 'r'
    AND NOT c.relrowsecurity
    AND NOT c.relhassubclass
