-- Purpose: lets the planner know a new table.
-- Placeholders: table.
-- Rows: none.
ANALYZE {table}
