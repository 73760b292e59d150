-- Purpose: holds what a rollback takes back, until it is approved; with what a report of its run needs. What the guard
-- held of it gives way, and so does an earlier rollback: nobody has approved that.
-- Parameters: run_id (of the rollback), rolls_back_run_id.
-- Rows: none.
WITH held AS (
    INSERT INTO held_change (
        destination_id, audience_id, contact, user_id, email, op, reason, since, since_run_id, rolls_back_run_id
    )
    SELECT
        rolled_back.destination_id,
        rolled_back.audience_id,
        rolled_back.contact,
        rolled_back.user_id,
        rolled_back.email,
        rolled_back.op,
        format('rollback of run %%s', %(rolls_back_run_id)s::integer),
        now(),
        %(run_id)s,
        %(rolls_back_run_id)s
    FROM rolled_back
    WHERE rolled_back.op IS NOT NULL
    ON CONFLICT (destination_id, audience_id, contact) DO UPDATE
    SET user_id = excluded.user_id,
        email = excluded.email,
        op = excluded.op,
        reason = excluded.reason,
        since = excluded.since,
        since_run_id = excluded.since_run_id,
        rolls_back_run_id = excluded.rolls_back_run_id
    WHERE held_change.approved_at IS NULL
),
counted AS (
    INSERT INTO run_count (
        run_id, destination_id, audience_id, members, planned_add, planned_remove, held, held_add, initial, reads
    )
    SELECT
        %(run_id)s,
        rolled_back.destination_id,
        rolled_back.audience_id,
        coalesce(min(last.members), 0),
        0,
        0,
        count(*),
        count(*) FILTER (WHERE rolled_back.op = 'added'),
        false,
        false
    FROM rolled_back
    LEFT JOIN LATERAL (
        SELECT run_count.members
        FROM run_count
        WHERE run_count.audience_id = rolled_back.audience_id
            AND run_count.destination_id = rolled_back.destination_id
            AND run_count.members IS NOT NULL
        ORDER BY run_count.run_id DESC
        LIMIT 1
    ) AS last ON true
    WHERE rolled_back.op IS NOT NULL
    GROUP BY rolled_back.destination_id, rolled_back.audience_id
    RETURNING destination_id, audience_id, members
),
told AS (
    INSERT INTO run_destination (run_id, destination_id, status, planned)
    SELECT DISTINCT %(run_id)s, counted.destination_id, 'held', 0
    FROM counted
)
INSERT INTO run_audience (run_id, position, audience_id, name, property, members)
SELECT
    %(run_id)s,
    row_number() OVER (ORDER BY audience.name) - 1,
    audience.audience_id,
    audience.name,
    audience.property,
    max(counted.members)
FROM counted
JOIN audience USING (audience_id)
GROUP BY audience.audience_id, audience.name, audience.property
