-- Purpose: lets the planner know how few moved.
-- Rows: none.
ANALYZE pg_temp.syncer_moved
