-- Purpose: the audiences of which something differs, or is due or uncertain.
-- Rows: audience_id.
SELECT DISTINCT d.audience_id
FROM member_delta AS d
WHERE d.audience_id IS NOT NULL
