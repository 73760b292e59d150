-- Purpose: counts the calls that the plan makes, and those that it saves by telling several properties in one.
-- Rows: one: identifies, saved.
SELECT
    coalesce(sum(parts), 0)::bigint AS identifies,
    coalesce(sum(properties - parts), 0)::bigint AS saved
FROM planned_identify
