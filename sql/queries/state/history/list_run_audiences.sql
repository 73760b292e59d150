-- Purpose: the audiences of a run, with contacts summed over destinations. Both are read once and put together by
-- grouping: of a run that was just written the planner knows nothing, and would join them row by row.
-- Parameters: run_id.
-- Rows: name, property, members (null: not counted), added, removed, initial, held, refreshed, problem.
SELECT
    max(part.name) AS name,
    max(part.property) AS property,
    max(part.members) AS members,
    coalesce(sum(part.planned_add), 0)::bigint AS added,
    coalesce(sum(part.planned_remove), 0)::bigint AS removed,
    coalesce(bool_or(part.initial), false) AS initial,
    coalesce(sum(part.held), 0)::bigint AS held,
    coalesce(sum(part.refreshed), 0)::bigint AS refreshed,
    max(part.problem) AS problem
FROM (
    SELECT
        run_audience.audience_id,
        CASE WHEN run_audience.audience_id IS NULL THEN run_audience.position END AS set_aside,
        run_audience.position,
        run_audience.name,
        run_audience.property,
        run_audience.members,
        run_audience.problem,
        NULL::bigint AS planned_add,
        NULL::bigint AS planned_remove,
        NULL::boolean AS initial,
        NULL::bigint AS held,
        NULL::bigint AS refreshed
    FROM run_audience
    WHERE run_audience.run_id = %(run_id)s
    UNION ALL
    SELECT
        run_count.audience_id,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        run_count.planned_add,
        run_count.planned_remove,
        run_count.initial,
        run_count.held,
        run_count.refreshed
    FROM run_count
    WHERE run_count.run_id = %(run_id)s
) AS part
GROUP BY part.audience_id, part.set_aside
HAVING max(part.position) IS NOT NULL
ORDER BY max(part.position)
