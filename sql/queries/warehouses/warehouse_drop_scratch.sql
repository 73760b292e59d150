-- Purpose: drops a table that keeps a snapshot at the warehouse.
-- Placeholders: table.
-- Rows: none.
DROP TABLE IF EXISTS {table}
