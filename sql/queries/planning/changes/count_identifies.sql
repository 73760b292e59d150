-- Purpose: how many calls the plan makes and how many it saved by carrying several properties in one.
-- Rows: one: identifies, saved.
SELECT
    coalesce(sum(i.parts), 0)::bigint AS identifies,
    coalesce(sum(i.properties - i.parts), 0)::bigint AS saved
FROM planned_identify AS i
