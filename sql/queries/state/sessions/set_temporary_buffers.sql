-- Purpose: how much memory a session's private tables may take; more than one plan needs is not taken.
-- Rows: none.
SET temp_buffers = '64MB'
