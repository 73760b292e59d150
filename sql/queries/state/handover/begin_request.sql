-- Purpose: the leading daemon takes the oldest request that nobody has begun.
-- Parameters: token (of the leader).
-- Rows: none or one: request_id, kind, audiences, destinations.
UPDATE request AS r
SET begun_at = clock_timestamp()
WHERE r.request_id = (
        SELECT min(waiting.request_id)
        FROM request AS waiting
        WHERE waiting.begun_at IS NULL AND waiting.ended_at IS NULL
    )
    AND r.begun_at IS NULL
    AND EXISTS (SELECT FROM leader WHERE leader.token = %(token)s)
RETURNING r.request_id, r.kind, r.audiences, r.destinations
