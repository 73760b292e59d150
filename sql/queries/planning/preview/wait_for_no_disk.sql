-- Purpose: lets this session's commits wait for no disk: its private tables are all that it writes.
-- Rows: none.
SET synchronous_commit = off
