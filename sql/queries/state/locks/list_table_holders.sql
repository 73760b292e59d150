-- Purpose: whose sessions use tables of the state within a transaction that goes on, in words. Whoever reads a view of
-- the history uses the tables below it.
-- Rows: holder.
SELECT DISTINCT
    format('session %s of role %s (%s)', session.pid, session.usename, coalesce(session.application_name, ''))
        AS holder
FROM pg_locks AS held
JOIN pg_class AS used ON used.oid = held.relation AND used.relnamespace = current_schema()::regnamespace
JOIN pg_stat_activity AS session ON session.pid = held.pid AND session.datname = current_database()
WHERE held.locktype = 'relation'
    AND held.granted
    AND held.database = session.datid
    AND held.pid <> pg_backend_pid()
ORDER BY holder
