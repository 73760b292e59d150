-- Purpose: whether of all audiences of the plan the initial sync has not ended: what differs is new, and stays.
-- Rows: one: is_initial.
SELECT coalesce(bool_and(initial), false) AS is_initial
FROM plan_audience
