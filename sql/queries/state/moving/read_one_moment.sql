-- Purpose: all statements of this transaction see the state at one moment, and change nothing.
-- Parameters: none.
-- Rows: none.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY
