-- Purpose: the columns of the user's query, without running it. The line break ends a comment at the query's end.
-- Placeholders: query, the user's own SQL.
-- Rows: none; the result's description is what is wanted.
SELECT *
FROM (
{query}
) AS members
WHERE false
