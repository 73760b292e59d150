-- Purpose: after a large plan the planner has to know it before it is delivered; autovacuum would come too late.
-- Placeholders: partition.
-- Rows: none.
ANALYZE {partition}, sync_page
