-- Purpose: looks for a table in DuckDB: to ask for one that is not there would end the transaction.
-- Placeholders: schema, table (as texts).
-- Rows: none or one: found.
SELECT 1 AS found
FROM duckdb_tables()
WHERE duckdb_tables.database_name = current_database()
    AND duckdb_tables.schema_name = {schema}
    AND duckdb_tables.table_name = {table}
