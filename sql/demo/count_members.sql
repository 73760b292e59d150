-- Purpose: how large each audience is.
-- Placeholders: query, query_name: the audience that the configuration defines.
-- Rows: audience, members.
SELECT audience_name AS audience, count(DISTINCT user_id) AS members
FROM (
    SELECT audience_name, user_id FROM shop.audience_membership
    UNION ALL
    SELECT {query_name}, user_id FROM ({query}) AS configured
) AS members
GROUP BY audience_name
ORDER BY audience_name
