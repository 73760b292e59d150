-- Purpose: what the rows of a table in DuckDB add up to: their number, and the sum of their hashes.
-- Placeholders: table.
-- Rows: one: rows, total.
SELECT count(*) AS rows, sum(hash(audience, user_id, email, unsendable)) AS total
FROM {table}
