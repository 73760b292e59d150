-- Purpose: how large an audience was in its latest runs, and how many contacts entered and left it, oldest first. Each
-- run is looked up by the whole key, the newest first, until there are enough.
-- Parameters: property, runs (how many).
-- Rows: run_id, started_at, members, added, removed (accepted, summed over destinations).
SELECT latest.run_id, latest.started_at, latest.members, latest.added, latest.removed
FROM (
    SELECT run.run_id, run.started_at, counted.members, counted.added, counted.removed
    FROM run
    CROSS JOIN LATERAL (
        SELECT
            max(run_count.members) AS members,
            sum(run_count.succeeded_add)::bigint AS added,
            sum(run_count.succeeded_remove)::bigint AS removed
        FROM run_count
        WHERE run_count.run_id = run.run_id
            AND run_count.destination_id = ANY (ARRAY(SELECT destination.destination_id FROM destination))
            AND run_count.audience_id = (SELECT audience_id FROM audience WHERE property = %(property)s)
    ) AS counted
    WHERE counted.members IS NOT NULL
    ORDER BY run.run_id DESC
    LIMIT %(runs)s
) AS latest
ORDER BY latest.run_id
