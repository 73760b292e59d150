-- Purpose: ends the session of a leader that did not renew its lease: it is paused, or cut off. Only if that session is
-- the one that holds the lock: a process that has just taken it has not written its name yet.
-- Parameters: key (of the lock), seconds.
-- Rows: host, pid, ended, of the leader whose session was ended.
WITH stale AS MATERIALIZED ( -- nobody is ended while it is still being found out who it is
    SELECT leader.host, leader.pid, leader.backend_pid
    FROM leader
    JOIN pg_catalog.pg_locks AS l ON l.pid = leader.backend_pid
    JOIN pg_catalog.pg_database AS d ON d.oid = l.database AND d.datname = current_database()
    WHERE l.locktype = 'advisory'
        AND l.granted
        AND l.objsubid = 1
        AND ((l.classid::bigint << 32) | l.objid::bigint) = %(key)s
        AND leader.renewed_at < clock_timestamp() - make_interval(secs => %(seconds)s)
)
SELECT stale.host, stale.pid, pg_terminate_backend(stale.backend_pid, 5000) AS ended
FROM stale
