-- Purpose: takes away the rows of nobody.
-- Rows: none.
WITH nobody AS MATERIALIZED (
    SELECT 'forgotten ' || repeat('0', 32) AS token
),
member AS (
    DELETE FROM synced_member USING nobody
    WHERE synced_member.contact = nobody.token AND synced_member.audience_id = 0
),
told AS (
    DELETE FROM told_false USING nobody
    WHERE told_false.contact = nobody.token AND told_false.audience_id = 0
)
DELETE FROM synced_profile USING nobody
WHERE synced_profile.contact = nobody.token
