-- Purpose: adds to a run how many users and contacts its snapshot has, if this process still leads (see extend_run): it
-- was planned before they were counted. Of those who wait, no more than all contacts do.
-- Parameters: run_id, token (the leader's); audience_id, users (parallel arrays: all audiences of the run that have an
-- id); contacts; fewer (so many contacts less are deferred).
-- Rows: run_id; no row unless it is the leader's run, and open.
WITH led AS MATERIALIZED (
    SELECT run.run_id
    FROM run
    WHERE run.run_id = %(run_id)s
        AND run.phase = 'planned'
        AND EXISTS (SELECT FROM leader WHERE leader.token = %(token)s FOR SHARE)
),
counted AS (
    SELECT given.audience_id, given.users
    FROM led
    CROSS JOIN unnest(%(audience_id)s::integer[], %(users)s::bigint[]) AS given (audience_id, users)
),
of_audiences AS (
    UPDATE run_audience
    SET members = counted.users
    FROM counted
    WHERE run_audience.run_id = %(run_id)s AND run_audience.audience_id = counted.audience_id
),
of_destinations AS (
    UPDATE run_count
    SET members = counted.users
    FROM counted
    WHERE run_count.run_id = %(run_id)s AND run_count.audience_id = counted.audience_id
)
UPDATE run
SET contacts = %(contacts)s, deferred = run.deferred - %(fewer)s, later = run.later - %(fewer)s
FROM led
WHERE run.run_id = led.run_id AND run.phase = 'planned'
RETURNING run.run_id
