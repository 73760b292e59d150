-- Purpose: a page reads one moment, changes nothing, and waits for nothing long.
-- Rows: none.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL statement_timeout = '5s'
