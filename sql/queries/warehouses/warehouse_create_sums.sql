-- Purpose: keeps the sums of groups of users of a table at the warehouse, for as long as this transaction lasts.
-- Placeholders: table, sums (the statement for them).
-- Rows: none.
CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS
{sums}
