-- Purpose: takes a request back, if nobody has begun it.
-- Parameters: request_id.
-- Rows: request_id, if so.
DELETE FROM request AS r
WHERE r.request_id = %(request_id)s AND r.begun_at IS NULL
RETURNING r.request_id
