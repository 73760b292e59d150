-- Purpose: the rows of a view or a query, all of them before anything is asked of one: a row that it leaves out must
-- not be judged, and PostgreSQL would move the question into it.
-- Placeholders: relation.
-- Rows: those of relation.
SELECT *
FROM {relation} AS relation
OFFSET 0
