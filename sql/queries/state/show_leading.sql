-- Purpose: who leads now: the lock is held by the session that stands in `leader`.
-- Parameters: key (of the lock).
-- Rows: none or one: kind, host, pid, since, renewed_at.
SELECT leader.kind, leader.host, leader.pid, leader.since, leader.renewed_at
FROM leader
JOIN pg_catalog.pg_locks AS l ON l.pid = leader.backend_pid
JOIN pg_catalog.pg_database AS d ON d.oid = l.database AND d.datname = current_database()
WHERE l.locktype = 'advisory'
    AND l.granted
    AND l.objsubid = 1
    AND ((l.classid::bigint << 32) | l.objid::bigint) = %(key)s
