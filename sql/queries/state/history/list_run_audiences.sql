-- Purpose: the audiences of a run, with contacts summed over destinations. Each one's counts are looked up by the whole
-- key: of a run that was just written the planner would rather go through all counts for every audience.
-- Parameters: run_id.
-- Rows: name, property, members, added, removed, initial, held, problem.
SELECT a.name, a.property, a.members, counted.added, counted.removed, counted.initial, counted.held, a.problem
FROM run_audience AS a
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(c.planned_add), 0)::bigint AS added,
        coalesce(sum(c.planned_remove), 0)::bigint AS removed,
        coalesce(bool_or(c.initial), false) AS initial,
        coalesce(sum(c.held), 0)::bigint AS held
    FROM run_count AS c
    WHERE c.run_id = %(run_id)s
        AND c.destination_id = ANY (ARRAY(SELECT d.destination_id FROM run_destination AS d WHERE d.run_id = %(run_id)s))
        AND c.audience_id = a.audience_id
) AS counted
WHERE a.run_id = %(run_id)s
ORDER BY a.position
