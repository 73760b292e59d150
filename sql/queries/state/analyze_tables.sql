-- Purpose: statistics of tables that were filled at once.
-- Placeholders: tables (identifiers, in a row).
-- Rows: none.
ANALYZE {tables}
