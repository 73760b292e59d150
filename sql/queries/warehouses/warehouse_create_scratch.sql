-- Purpose: makes the table that keeps a snapshot at the warehouse. It is not logged: a crash of the server may empty
-- it, which is seen.
-- Placeholders: table.
-- Rows: none.
CREATE UNLOGGED TABLE {table} AS
SELECT audience, user_id, email, unsendable
FROM pg_temp.syncer_members
