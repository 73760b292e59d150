-- Purpose: what workers hand over is few rows, the differences; the planner, which takes them for half of everything,
-- would rather compare alone.
-- Rows: none.
SET LOCAL parallel_tuple_cost = 0
