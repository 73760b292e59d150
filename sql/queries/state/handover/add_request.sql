-- Purpose: asks the leading daemon for something; it is woken by the notification, and looks by itself if that is lost.
-- Parameters: kind, audiences, destinations, channel.
-- Rows: one: request_id.
WITH asked AS (
    INSERT INTO request (kind, audiences, destinations)
    VALUES (%(kind)s, %(audiences)s, %(destinations)s)
    RETURNING request_id
)
SELECT asked.request_id, pg_notify(%(channel)s, '')
FROM asked
