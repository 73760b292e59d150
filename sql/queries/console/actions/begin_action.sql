-- Purpose: an action sees one moment; what another session changes meanwhile is a conflict, and not done.
-- Rows: none.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SET LOCAL statement_timeout = '25s'
