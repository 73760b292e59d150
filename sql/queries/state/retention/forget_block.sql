-- Purpose: the block is gone with its history.
-- Parameters: first_run.
-- Rows: none.
DELETE FROM history_block
WHERE first_run = %(first_run)s
