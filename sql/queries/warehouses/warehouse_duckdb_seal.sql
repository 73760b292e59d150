-- Purpose: what the rows of a table in DuckDB add up to: their number, and the sum of their hashes.
-- Placeholders: table, row_hash (warehouse_duckdb_row_hash).
-- Rows: one: rows, total.
SELECT count(*) AS rows, sum({row_hash}) AS total
FROM {table}
