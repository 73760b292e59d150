-- Purpose: lists the audiences that have a difference, or something that is due again or uncertain.
-- Rows: audience_id.
SELECT DISTINCT audience_id
FROM member_delta
WHERE audience_id IS NOT NULL
