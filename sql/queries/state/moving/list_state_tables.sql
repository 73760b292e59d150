-- Purpose: every table that holds state, with what a copy of it has to name. Partitions are part of their table; what
-- commands ask of a daemon is no state.
-- Parameters: none.
-- Rows: name, columns (those that are not computed), refers_to (tables that must be filled before), identity (the
-- column that is numbered by itself; or null).
SELECT
    c.relname AS name,
    (
        SELECT array_agg(a.attname::text ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    ) AS columns,
    (
        SELECT coalesce(array_agg(DISTINCT referred.relname::text), '{}')
        FROM pg_catalog.pg_constraint AS k
        JOIN pg_catalog.pg_class AS referred ON referred.oid = k.confrelid
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid AND NOT referred.relispartition
    ) AS refers_to,
    (
        SELECT a.attname
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attidentity <> '' AND NOT a.attisdropped
    ) AS identity
FROM pg_catalog.pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace
    AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition
    AND c.relname NOT IN ('schema_migration', 'leader', 'request', 'alert_turn')
ORDER BY c.relname
