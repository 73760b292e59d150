-- Purpose: Segment also keys by user id, so the false to an old contact is followed by the current value to that
-- user's present contact. If that value is going out anyway it is only made to go later; a covered one is told
-- after all; one that did not change is reasserted. `follows` is the first class that comes after the false: after
-- removals (2), after retractions and retirements (4), after contacts that did not answer (6).
-- Parameters: destination_id; reach_contacts, rollout (its reach).
-- Rows: none; also fills follow_edge.
WITH gone AS (
    SELECT
        c.contact,
        c.audience_id,
        caller.user_id,
        CASE
            WHEN silent.contact IS NOT NULL THEN 6
            WHEN c.op = 'removed' AND NOT listed.retired THEN 2
            ELSE 4
        END AS follows
    FROM contact_change AS c
    JOIN plan_audience AS listed USING (audience_id)
    JOIN caller ON caller.contact = c.contact
    LEFT JOIN unanswered_contact AS silent
        ON silent.destination_id = %(destination_id)s AND silent.contact = c.contact AND silent.runs >= 2
    WHERE NOT c.value AND c.waits IS NULL
),
there AS MATERIALIZED (
    SELECT came.contact, came.audience_id, gone.follows, came.value AS said, gone.contact AS after
    FROM gone
    JOIN member_delta AS came
        ON came.user_id = gone.user_id AND came.audience_id = gone.audience_id AND came.contact <> gone.contact
    WHERE came.kind = 'gain'
    UNION ALL
    SELECT stays.contact, stays.audience_id, gone.follows, stays.value, gone.contact
    FROM gone
    JOIN synced_member AS stays
        ON stays.user_id = gone.user_id AND stays.audience_id = gone.audience_id AND stays.contact <> gone.contact
    WHERE stays.destination_id = %(destination_id)s
        AND is_in_reach(stays.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
        AND NOT is_token(stays.contact)
        AND NOT EXISTS (
            SELECT FROM member_delta AS lost
            WHERE lost.kind = 'lose' AND NOT lost.named AND lost.contact = stays.contact
                AND lost.audience_id = stays.audience_id AND lost.user_id = stays.user_id
        )
),
present AS MATERIALIZED (
    SELECT there.contact, there.audience_id, max(there.follows)::smallint AS follows, min(there.said::text)::jsonb AS said
    FROM there
    GROUP BY there.contact, there.audience_id
),
kept AS (
    INSERT INTO follow_edge (contact, audience_id, after)
    SELECT DISTINCT there.contact, there.audience_id, there.after
    FROM there
),
told_later AS (
    UPDATE contact_change AS c
    SET follows = p.follows, op = CASE WHEN c.op = 'covered' THEN 'reasserted' ELSE c.op END
    FROM present AS p
    WHERE c.contact = p.contact AND c.audience_id = p.audience_id
)
INSERT INTO contact_change (contact, audience_id, op, initial, follows, value, said, waits)
SELECT
    p.contact,
    p.audience_id,
    'reasserted',
    listed.initial,
    p.follows,
    true,
    p.said,
    (SELECT min(other.waits) FROM contact_change AS other WHERE other.contact = p.contact AND other.waits = 'refused')
FROM present AS p
JOIN plan_audience AS listed USING (audience_id)
WHERE NOT EXISTS (
    SELECT FROM contact_change AS c
    WHERE c.contact = p.contact AND c.audience_id = p.audience_id
)
