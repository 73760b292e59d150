-- Purpose: the planner's own view of workers again, and the memory of set_up_session: RESET would give the server's own.
-- Rows: one, of no use.
SELECT set_config('parallel_tuple_cost', '0.1', true) AS handing_over, set_config('work_mem', '64MB', true) AS memory
