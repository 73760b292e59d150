-- Purpose: makes the table that keeps a snapshot at the warehouse. It is not logged: a crash of the server may empty
-- it, which is seen.
-- Placeholders: table, members (statements warehouse_texts, UNION ALL between them).
-- Rows: none.
CREATE UNLOGGED TABLE {table} AS
{members}
