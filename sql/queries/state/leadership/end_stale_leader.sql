-- Purpose: ends the session of a leader that did not renew its lease: it is paused, or cut off.
-- Parameters: seconds.
-- Rows: host, pid, ended, of the leader whose session was ended.
WITH stale AS MATERIALIZED ( -- no session is ended before it is known whose it is
    SELECT leader.host, leader.pid, leader.backend_pid
    FROM leader
    WHERE leader.renewed_at < clock_timestamp() - make_interval(secs => %(seconds)s)
        AND session_lives(leader.backend_pid, leader.since)
)
SELECT stale.host, stale.pid, pg_terminate_backend(stale.backend_pid, 5000) AS ended
FROM stale
