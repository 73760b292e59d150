-- Purpose: what workers hand over is few rows, the differences; the planner, which takes them for half of everything,
-- would rather compare alone. And small batches of a hash join fit the processor's cache: that is worth writing more.
-- Rows: one, of no use.
SELECT set_config('parallel_tuple_cost', '0', true) AS handing_over, set_config('work_mem', '16MB', true) AS memory
