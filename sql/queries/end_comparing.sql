-- Purpose: the planner's own view of workers again.
-- Rows: none.
RESET parallel_tuple_cost
