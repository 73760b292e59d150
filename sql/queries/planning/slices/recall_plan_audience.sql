-- Purpose: the audiences of the plan, for another slice of it.
-- Rows: none; fills plan_audience.
INSERT INTO plan_audience
TABLE later_audience
