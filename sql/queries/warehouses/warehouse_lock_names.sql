-- Purpose: what this transaction has looked at so far and can lock: tables, and views with all that they read.
-- Rows: schema, name.
SELECT pg_namespace.nspname AS schema, pg_class.relname AS name
FROM pg_catalog.pg_locks
JOIN pg_catalog.pg_class ON pg_class.oid = pg_locks.relation
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_locks.pid = pg_catalog.pg_backend_pid()
    AND pg_locks.locktype = 'relation'
    AND pg_locks.database = (
        SELECT pg_database.oid FROM pg_catalog.pg_database WHERE pg_database.datname = pg_catalog.current_database()
    )
    AND pg_class.oid >= 16384 -- no catalog
    AND pg_class.relkind IN ('r', 'p', 'v')
    AND pg_catalog.has_schema_privilege(pg_namespace.oid, 'USAGE')
    AND pg_catalog.has_table_privilege(pg_class.oid, 'SELECT')
ORDER BY pg_class.oid
