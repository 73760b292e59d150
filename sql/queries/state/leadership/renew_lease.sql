-- Purpose: the leader still leads: nobody took over, and the session of its lock is still there.
-- Parameters: token, key (of the lock).
-- Rows: renewed_at, if so.
UPDATE leader
SET renewed_at = clock_timestamp()
WHERE leader.token = %(token)s
    AND EXISTS (
        SELECT FROM pg_catalog.pg_locks AS l
        JOIN pg_catalog.pg_database AS d ON d.oid = l.database AND d.datname = current_database()
        WHERE l.locktype = 'advisory'
            AND l.granted
            AND l.objsubid = 1
            AND l.pid = leader.backend_pid
            AND ((l.classid::bigint << 32) | l.objid::bigint) = %(key)s
    )
RETURNING leader.renewed_at
