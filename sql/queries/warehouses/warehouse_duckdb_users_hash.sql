-- Purpose: a number of its own for each group of users of each audience, of a row of a table that keeps a snapshot in
-- DuckDB; stands inside other statements.
-- Placeholders: group (warehouse_duckdb_group).
hash(audience, {group})
