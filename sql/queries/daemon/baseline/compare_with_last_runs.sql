-- Purpose: the members and the changes of each audience of a run, with the median of the same numbers of the last runs
-- before it that read the audience, and the median of their distances from that. It looks no further back than four
-- times as many runs: some are about other audiences.
-- Parameters: run_id, runs (how many have to have the number).
-- Rows: kind, audience, destination (empty for members), value, usual, spread.
WITH last_run AS (
    SELECT run.run_id
    FROM run
    WHERE run.run_id <= %(run_id)s AND run.snapshot_at IS NOT NULL
    ORDER BY run.run_id DESC
    LIMIT 4 * %(runs)s::integer + 1
),
number AS (
    SELECT
        'members' AS kind,
        run_count.run_id,
        run_count.audience_id,
        0 AS destination_id,
        max(run_count.members) AS value
    FROM run_count
    JOIN last_run USING (run_id)
    WHERE run_count.reads AND run_count.members IS NOT NULL
    GROUP BY run_count.run_id, run_count.audience_id
    UNION ALL
    SELECT
        'changes',
        run_count.run_id,
        run_count.audience_id,
        run_count.destination_id,
        run_count.planned_add + run_count.planned_remove
    FROM run_count
    JOIN last_run USING (run_id)
    WHERE run_count.reads AND NOT run_count.initial
),
before AS (
    SELECT
        number.kind,
        number.audience_id,
        number.destination_id,
        number.value,
        row_number() OVER (
            PARTITION BY number.kind, number.audience_id, number.destination_id
            ORDER BY number.run_id DESC
        ) AS place
    FROM number
    WHERE number.run_id < %(run_id)s
),
usual AS (
    SELECT
        before.kind,
        before.audience_id,
        before.destination_id,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY before.value) AS median
    FROM before
    WHERE before.place <= %(runs)s
    GROUP BY before.kind, before.audience_id, before.destination_id
    HAVING count(*) = %(runs)s
),
spread AS (
    SELECT
        before.kind,
        before.audience_id,
        before.destination_id,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(before.value - usual.median)) AS median
    FROM before
    JOIN usual USING (kind, audience_id, destination_id)
    WHERE before.place <= %(runs)s
    GROUP BY before.kind, before.audience_id, before.destination_id
)
SELECT
    number.kind,
    audience.name AS audience,
    coalesce(destination.name, '') AS destination,
    number.value,
    usual.median AS usual,
    spread.median AS spread
FROM number
JOIN usual USING (kind, audience_id, destination_id)
JOIN spread USING (kind, audience_id, destination_id)
JOIN audience USING (audience_id)
LEFT JOIN destination USING (destination_id)
WHERE number.run_id = %(run_id)s AND audience.retired_at IS NULL
ORDER BY number.kind DESC, audience.name, destination.name
