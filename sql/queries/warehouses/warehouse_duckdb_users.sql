-- Purpose: counts the different users of each audience in a table that keeps a snapshot in DuckDB.
-- Placeholders: table.
-- Rows: audience, users.
SELECT decode(member.audience) AS audience, count(member.user_id) AS users
FROM (SELECT audience, user_id FROM {table} GROUP BY audience, user_id) AS member
WHERE member.audience IS NOT NULL
GROUP BY member.audience
