-- Purpose: the leading daemon takes the oldest request that waits.
-- Parameters: token (of the leader).
-- Rows: none or one: request_id, kind, audiences, destinations, actor, uid, database_user.
UPDATE request
SET begun_at = clock_timestamp(), begun_by = %(token)s
WHERE request.request_id = (
        SELECT min(waiting.request_id)
        FROM request AS waiting
        WHERE waiting.begun_at IS NULL AND waiting.ended_at IS NULL
    )
    AND request.begun_at IS NULL
    AND EXISTS (SELECT FROM leader WHERE leader.token = %(token)s)
RETURNING
    request.request_id,
    request.kind,
    request.audiences,
    request.destinations,
    request.actor,
    request.uid,
    request.database_user
