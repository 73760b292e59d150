-- Purpose: makes the table that keeps a snapshot at the warehouse. It is not logged: a crash of the server may empty
-- it, which is seen. Each row has what it adds up to, by which it finds its like in another such table.
-- Placeholders: table, digest (the expression warehouse_row_digest).
-- Rows: none.
CREATE UNLOGGED TABLE {table} AS
SELECT audience, user_id, email, unsendable, {digest} AS digest
FROM pg_temp.syncer_members
