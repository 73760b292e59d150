-- Purpose: a retired audience is synced again, beginning with an initial sync.
-- Parameters: audience_id.
-- Rows: audience_id, if it was retired.
WITH reopened AS (
    UPDATE audience AS a
    SET retired_at = NULL
    WHERE a.audience_id = %(audience_id)s AND a.retired_at IS NOT NULL
    RETURNING a.audience_id
),
anew AS (
    DELETE FROM initial_sync AS i
    USING reopened
    WHERE i.audience_id = reopened.audience_id
)
SELECT reopened.audience_id
FROM reopened
