-- Purpose: a retired audience is synced again, beginning with an initial sync.
-- Parameters: audience_id.
-- Rows: audience_id, if it was retired.
WITH reopened AS (
    UPDATE audience
    SET retired_at = NULL
    WHERE audience.audience_id = %(audience_id)s AND audience.retired_at IS NOT NULL
    RETURNING audience.audience_id
),
anew AS (
    DELETE FROM initial_sync
    USING reopened
    WHERE initial_sync.audience_id = reopened.audience_id
)
SELECT reopened.audience_id
FROM reopened
