-- Purpose: lists the audiences that have a difference, or something that is due again or uncertain. That something is
-- told once more before it expires is no difference: the rows are the same.
-- Rows: audience_id.
SELECT DISTINCT audience_id
FROM member_delta
WHERE audience_id IS NOT NULL AND kind <> 'refresh'
