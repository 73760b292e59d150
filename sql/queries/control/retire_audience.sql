-- Purpose: from now on the warehouse's rows of an audience are ignored, and no other audience gets its property.
-- Parameters: audience_id.
-- Rows: audience_id, unless it is retired already.
UPDATE audience
SET retired_at = clock_timestamp()
WHERE audience_id = %(audience_id)s AND retired_at IS NULL
RETURNING audience_id
