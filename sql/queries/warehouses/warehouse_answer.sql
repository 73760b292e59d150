-- Purpose: the user's question `guard.ready`. The line break ends a comment at the query's end.
-- Placeholders: query, the user's own SQL.
-- Rows: those of the query, at most two: one is the answer, a second is one too many.
SELECT *
FROM (
{query}
) AS answer
LIMIT 2
