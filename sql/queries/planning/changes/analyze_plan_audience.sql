-- Purpose: the planner has to know how few audiences there are; nobody analyzes those by themselves.
-- Rows: none.
ANALYZE plan_audience
