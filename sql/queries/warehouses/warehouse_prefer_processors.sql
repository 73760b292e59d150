-- Purpose: lets a comparison of many rows, of which few are left, use all processors: that few are left is nothing that
-- the planner could know, and it takes a row that goes from one process to another for dear.
-- Rows: none.
SET LOCAL parallel_tuple_cost = 0
