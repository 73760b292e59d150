-- Purpose: the audiences of a run, with contacts summed over destinations. Each one's counts are looked up by the whole
-- key: of a run that was just written the planner would rather go through all counts for every audience.
-- Parameters: run_id.
-- Rows: name, property, members, added, removed, initial, held, refreshed, problem.
SELECT
    run_audience.name,
    run_audience.property,
    run_audience.members,
    counted.added,
    counted.removed,
    counted.initial,
    counted.held,
    counted.refreshed,
    run_audience.problem
FROM run_audience
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(run_count.planned_add), 0)::bigint AS added,
        coalesce(sum(run_count.planned_remove), 0)::bigint AS removed,
        coalesce(bool_or(run_count.initial), false) AS initial,
        coalesce(sum(run_count.held), 0)::bigint AS held,
        coalesce(sum(run_count.refreshed), 0)::bigint AS refreshed
    FROM run_count
    WHERE run_count.run_id = %(run_id)s
        AND run_count.destination_id = ANY (
            ARRAY(SELECT run_destination.destination_id FROM run_destination WHERE run_destination.run_id = %(run_id)s)
        )
        AND run_count.audience_id = run_audience.audience_id
) AS counted
WHERE run_audience.run_id = %(run_id)s
ORDER BY run_audience.position
