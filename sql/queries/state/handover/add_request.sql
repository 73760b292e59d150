-- Purpose: asks the leading daemon for something; it is woken by the notification, and looks by itself if that is lost.
-- Parameters: kind, audiences, destinations, actor, uid, channel.
-- Rows: one: request_id.
WITH asked AS (
    INSERT INTO request (kind, audiences, destinations, actor, uid, database_user)
    VALUES (%(kind)s, %(audiences)s, %(destinations)s, %(actor)s, %(uid)s, session_user)
    RETURNING request_id
)
SELECT asked.request_id, pg_notify(%(channel)s, '')
FROM asked
