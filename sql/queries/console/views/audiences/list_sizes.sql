-- Purpose: how large an audience was in its latest runs, and how many contacts entered and left it, oldest first. Each
-- destination's runs are read by the index, the newest first, until there are enough. A run that has not counted its
-- members yet, or never did, is not among them.
-- Parameters: property, runs (how many).
-- Rows: run_id, started_at, members, added, removed (accepted, summed over destinations).
SELECT latest.run_id, run.started_at, latest.members, latest.added, latest.removed
FROM (
    SELECT
        counted.run_id,
        max(counted.members) AS members,
        sum(counted.succeeded_add)::bigint AS added,
        sum(counted.succeeded_remove)::bigint AS removed
    FROM destination
    CROSS JOIN LATERAL (
        SELECT run_count.run_id, run_count.members, run_count.succeeded_add, run_count.succeeded_remove
        FROM run_count
        WHERE run_count.audience_id = (SELECT audience.audience_id FROM audience WHERE audience.property = %(property)s)
            AND run_count.destination_id = destination.destination_id
            AND run_count.members IS NOT NULL
        ORDER BY run_count.run_id DESC
        LIMIT %(runs)s
    ) AS counted
    GROUP BY counted.run_id
    ORDER BY counted.run_id DESC
    LIMIT %(runs)s
) AS latest
JOIN run USING (run_id)
ORDER BY latest.run_id
