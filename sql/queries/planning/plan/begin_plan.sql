-- Purpose: everything that a plan reads, it reads as of one moment.
-- Rows: none.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ
