-- Purpose: keeps the sums of groups of users of a table in DuckDB, for as long as this session lasts.
-- Placeholders: table, sums (the statement for them).
-- Rows: none.
CREATE TEMPORARY TABLE {table} AS
{sums}
