-- Purpose: how old what destinations know of audiences is, against what is promised: see state/freshness. A run that
-- did not tell an audience all that it planned leaves something; one that left nothing of this audience, but something
-- at the destination, may still have what an earlier one left. `delivered` are the runs after which nothing was left.
-- Parameters: names, properties, seconds, destinations (parallel arrays: an audience, by its name or property, within
-- how many seconds, and the name of a destination).
-- Rows: audience, property, destination (the one where it stands worst), fresh_within_seconds, age_seconds, paused,
-- is_broken, kept_share; one for each audience whose first sync has ended at one of these destinations.
WITH promised AS MATERIALIZED (
    SELECT
        audience.audience_id,
        audience.name,
        audience.property,
        destination.destination_id,
        destination.name AS destination,
        min(given.seconds) AS seconds,
        EXISTS (
            SELECT FROM pause
            WHERE (pause.destination_id = destination.destination_id OR pause.destination_id IS NULL)
                AND (pause.audience_id = audience.audience_id OR pause.audience_id IS NULL)
        ) AS paused
    FROM unnest(%(names)s::text[], %(properties)s::text[], %(seconds)s::float8[], %(destinations)s::text[])
        AS given (name, property, seconds, destination)
    JOIN audience ON audience.name = given.name OR audience.property = given.property
    JOIN destination ON destination.name = given.destination
    JOIN initial_sync
        ON initial_sync.audience_id = audience.audience_id
        AND initial_sync.destination_id = destination.destination_id
    WHERE audience.retired_at IS NULL
    GROUP BY audience.audience_id, audience.name, audience.property, destination.destination_id, destination.name
),
ended AS (
    SELECT
        promised.audience_id,
        promised.destination_id,
        promised.seconds,
        run.run_id,
        run.snapshot_at,
        run.finished_at,
        run_count.unknown + run_count.aborted + run_count.deferred - run_count.yielding > 0 AS leaves,
        run_destination.unknown + run_destination.aborted = 0
            AND run_count.unknown + run_count.aborted + run_count.deferred - run_count.yielding = 0 AS clears
    FROM promised
    JOIN run_count USING (audience_id, destination_id)
    JOIN run USING (run_id)
    JOIN run_destination USING (run_id, destination_id)
    WHERE run.phase = 'closed'
        AND run.snapshot_at IS NOT NULL
        AND run.started_at > now() - interval '60 days'
        AND run_count.run_id >= (
            SELECT first_run.run_id
            FROM run AS first_run
            WHERE first_run.started_at > now() - interval '60 days'
            ORDER BY first_run.started_at
            LIMIT 1
        )
),
since AS (
    SELECT
        ended.*,
        max(CASE WHEN ended.leaves THEN ended.run_id END) OVER before AS last_that_left,
        max(CASE WHEN ended.clears THEN ended.run_id END) OVER before AS last_that_cleared
    FROM ended
    WINDOW before AS (PARTITION BY ended.audience_id, ended.destination_id ORDER BY ended.run_id)
),
delivered AS (
    SELECT
        since.audience_id,
        since.destination_id,
        since.snapshot_at,
        greatest(since.finished_at, now() - interval '30 days') AS known_at,
        since.snapshot_at + make_interval(secs => since.seconds) AS fresh_until,
        lead(since.finished_at, 1, now()) OVER (
            PARTITION BY since.audience_id, since.destination_id ORDER BY since.run_id
        ) AS known_until
    FROM since
    WHERE coalesce(since.last_that_left, 0) <= coalesce(since.last_that_cleared, 0)
),
kept AS (
    SELECT
        delivered.audience_id,
        delivered.destination_id,
        max(delivered.snapshot_at) AS snapshot_at,
        sum(greatest(extract(epoch FROM delivered.known_until - delivered.known_at), 0)) AS seconds,
        sum(
            greatest(
                extract(epoch FROM delivered.known_until - greatest(delivered.known_at, delivered.fresh_until)), 0
            )
        ) AS broken_seconds
    FROM delivered
    GROUP BY delivered.audience_id, delivered.destination_id
),
judged AS (
    SELECT
        promised.*,
        coalesce(
            round(greatest(extract(epoch FROM now() - kept.snapshot_at), 0), 1), 60 * 86400
        )::float8 AS age,
        CASE
            WHEN kept.snapshot_at IS NULL THEN 0
            WHEN kept.seconds = 0 THEN 1
            ELSE round(1 - kept.broken_seconds / kept.seconds, 6)
        END::float8 AS share
    FROM promised
    LEFT JOIN kept USING (audience_id, destination_id)
)
SELECT DISTINCT ON (judged.name)
    judged.name AS audience,
    judged.property,
    judged.destination,
    judged.seconds AS fresh_within_seconds,
    judged.age AS age_seconds,
    judged.paused,
    NOT judged.paused AND judged.age > judged.seconds AS is_broken,
    min(judged.share) OVER (PARTITION BY judged.name) AS kept_share
FROM judged
ORDER BY judged.name, judged.paused, judged.age DESC, judged.destination
