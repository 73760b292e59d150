-- Purpose: the membership table, if this very database is the one whose advisory lock the state's session holds.
-- A signed 64-bit key stands in pg_locks as two halves, with objsubid 1.
-- Parameters: table, a quoted name for to_regclass; lock, the key.
-- Rows: none or one: oid, schema, name; statement_timeout, lock_timeout (of the reader's session). Whether the table
-- may be read there is the state's to say.
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name,
    pg_catalog.current_setting('statement_timeout') AS statement_timeout,
    pg_catalog.current_setting('lock_timeout') AS lock_timeout
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass(%(table)s)
    AND c.relkind = 'r'
    AND EXISTS (
        SELECT FROM pg_catalog.pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
            AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
            AND l.classid::bigint = (%(lock)s::bigint >> 32) & 4294967295
            AND l.objid::bigint = %(lock)s::bigint & 4294967295
    )
