-- Purpose: counts the rows of each audience in a table that keeps a snapshot in DuckDB.
-- Placeholders: counted (the statement that does, of what is encoded).
-- Rows: audience, rows.
SELECT decode(counted.audience) AS audience, counted.rows
FROM (
{counted}
) AS counted (audience, rows)
