-- Purpose: lets a plan read everything as of one moment.
-- Rows: none.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ
