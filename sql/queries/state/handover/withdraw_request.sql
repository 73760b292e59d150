-- Purpose: takes a request back, unless it was begun.
-- Parameters: request_id.
-- Rows: request_id, if so.
DELETE FROM request
WHERE request_id = %(request_id)s AND begun_at IS NULL
RETURNING request_id
