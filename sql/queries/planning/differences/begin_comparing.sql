-- Purpose: what workers hand over is few rows, the differences; the planner, which takes them for half of everything,
-- would rather compare alone. And small batches of a hash join fit the processor's cache: that is worth writing more.
-- Rows: one: tuple_cost, memory, as they were (for end_comparing).
WITH before AS MATERIALIZED (
    SELECT current_setting('parallel_tuple_cost') AS tuple_cost, current_setting('work_mem') AS memory
),
after AS MATERIALIZED (
    SELECT set_config('parallel_tuple_cost', '0', true), set_config('work_mem', '16MB', true) FROM before
)
SELECT before.tuple_cost, before.memory
FROM before, after
