-- Purpose: what an earlier leader had begun and not ended will not be ended by it; old answers are of no use any more.
-- Parameters: token (of the leader).
-- Rows: none.
WITH dropped AS (
    DELETE FROM request
    WHERE request.ended_at < clock_timestamp() - interval '1 day'
)
UPDATE request
SET ended_at = clock_timestamp(), problems = '["the daemon that had begun it is gone"]'
WHERE request.begun_at IS NOT NULL AND request.ended_at IS NULL
    AND EXISTS (SELECT FROM leader WHERE leader.token = %(token)s)
