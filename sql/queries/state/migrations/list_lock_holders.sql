-- Purpose: whose sessions hold an advisory lock of this database, in words.
-- Parameters: key.
-- Rows: holder.
SELECT
    format('session %%s of role %%s (%%s)', session.pid, session.usename, coalesce(session.application_name, ''))
        AS holder
FROM pg_locks AS held
JOIN pg_stat_activity AS session ON session.pid = held.pid AND session.datname = current_database()
WHERE held.locktype = 'advisory'
    AND held.granted
    AND held.objsubid = 1
    AND held.database = session.datid
    AND ((held.classid::bigint << 32) | held.objid::bigint) = %(key)s
ORDER BY session.pid
