-- Purpose: keeps the audiences of the plan for the slices that come later: they are planned as of the same moment.
-- Rows: none.
CREATE TEMPORARY TABLE later_audience AS
TABLE plan_audience
