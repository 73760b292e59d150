-- Purpose: lets this transaction compare two tables in memory: the planner does not know how many groups of users there
-- are, and what does not fit is written to files and read again.
-- Rows: none or one, of no use.
SELECT set_config('work_mem', '64MB', true) AS memory
WHERE pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB')
