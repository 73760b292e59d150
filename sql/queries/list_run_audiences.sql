-- Purpose: the audiences of a run, with contacts summed over destinations.
-- Parameters: run_id.
-- Rows: name, property, members, added, removed, initial, held, problem.
SELECT
    a.name,
    a.property,
    a.members,
    coalesce(sum(c.planned_add), 0)::bigint AS added,
    coalesce(sum(c.planned_remove), 0)::bigint AS removed,
    coalesce(bool_or(c.initial), false) AS initial,
    coalesce(sum(c.held), 0)::bigint AS held,
    a.problem
FROM run_audience AS a
LEFT JOIN run_count AS c ON c.run_id = a.run_id AND c.audience_id = a.audience_id
WHERE a.run_id = %(run_id)s
GROUP BY a.position, a.name, a.property, a.members, a.problem
ORDER BY a.position
