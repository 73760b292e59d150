-- Purpose: tables that this transaction read, and that somebody rebuilt between its snapshot and that. Their rows are
-- those of the snapshot, but their files are of now: what was truncated, swapped or rewritten reads empty. pg_class
-- answers as of the snapshot, pg_relation_filenode and pg_partition_ancestors as of now; what was read is locked, so it
-- stays as it is now. A table that VACUUM FULL or CLUSTER rewrote is listed too, although nothing is missing in it.
-- Rows: name.
-- noqa: disable=LT01
SELECT pg_locks.relation::pg_catalog.regclass::text AS name
FROM pg_catalog.pg_locks
LEFT JOIN pg_catalog.pg_class ON pg_class.oid OPERATOR(pg_catalog.=) pg_locks.relation
WHERE pg_locks.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
    AND pg_locks.locktype OPERATOR(pg_catalog.=) 'relation'
    AND pg_locks.database OPERATOR(pg_catalog.=) (
        SELECT pg_database.oid FROM pg_catalog.pg_database
        WHERE pg_database.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
    )
    AND pg_locks.relation OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid -- no catalog
    AND CASE
        -- It is newer than the snapshot; a new index of an old table does no harm.
        WHEN pg_class.oid IS NULL THEN pg_catalog.pg_get_indexdef(pg_locks.relation) IS NULL
        WHEN NOT (pg_class.relkind OPERATOR(pg_catalog.=) ANY ('{r,m,t}'::"char"[])) THEN false
        -- It has become a partition of what was read.
        WHEN NOT pg_class.relispartition
            AND EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors(pg_class.oid::pg_catalog.regclass)) THEN true
        ELSE pg_class.relfilenode IS DISTINCT FROM pg_catalog.pg_relation_filenode(pg_class.oid::pg_catalog.regclass)
    END
ORDER BY 1
