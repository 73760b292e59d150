-- Purpose: lets a false to one contact be followed by the current value to the contacts where its user is now, because
-- Segment keys by user id as well. If a follower is told that value anyway, it only goes later; if its change was
-- covered, it is told after all; if it had no change, it is reasserted. order_identifies lists the classes of urgency.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none; fills contact_change and follow_edge.
WITH gone AS (
    SELECT
        contact_change.contact,
        contact_change.audience_id,
        caller.user_id,
        CASE
            WHEN unanswered_contact.contact IS NOT NULL THEN 6 -- after those that did not answer
            WHEN contact_change.op = 'removed' AND NOT plan_audience.retired THEN 2 -- after the removals
            ELSE 4 -- after the backfills, reassertions and retirements
        END AS follower_urgency
    FROM contact_change
    JOIN plan_audience USING (audience_id)
    JOIN caller ON caller.contact = contact_change.contact
    LEFT JOIN unanswered_contact
        ON unanswered_contact.destination_id = %(destination_id)s
        AND unanswered_contact.contact = contact_change.contact
        AND unanswered_contact.runs >= 2
    WHERE NOT contact_change.value AND contact_change.waits IS NULL
),
present AS MATERIALIZED (
    SELECT came.contact, came.audience_id, came.value, gone.follower_urgency, gone.contact AS after
    FROM gone
    JOIN member_delta AS came
        ON came.user_id = gone.user_id AND came.audience_id = gone.audience_id AND came.contact <> gone.contact
    WHERE came.kind = 'gain'
    UNION ALL
    SELECT stays.contact, stays.audience_id, stays.value, gone.follower_urgency, gone.contact
    FROM gone
    JOIN synced_member AS stays
        ON stays.user_id = gone.user_id AND stays.audience_id = gone.audience_id AND stays.contact <> gone.contact
    WHERE stays.destination_id = %(destination_id)s
        AND is_in_reach(stays.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
        AND NOT is_token(stays.contact)
        AND NOT EXISTS (
            SELECT FROM member_delta AS lost
            WHERE lost.kind = 'lose'
                AND NOT lost.still_named
                AND lost.contact = stays.contact
                AND lost.audience_id = stays.audience_id
                AND lost.user_id = stays.user_id
        )
),
follower AS MATERIALIZED (
    SELECT
        present.contact,
        present.audience_id,
        max(present.follower_urgency)::smallint AS urgency,
        min(present.value::text)::jsonb AS value
    FROM present
    GROUP BY present.contact, present.audience_id
),
edges AS (
    INSERT INTO follow_edge (contact, audience_id, after)
    SELECT DISTINCT present.contact, present.audience_id, present.after
    FROM present
),
told_later AS (
    UPDATE contact_change
    SET earliest_urgency = follower.urgency,
        op = CASE WHEN contact_change.op = 'covered' THEN 'reasserted' ELSE contact_change.op END
    FROM follower
    WHERE contact_change.contact = follower.contact AND contact_change.audience_id = follower.audience_id
)
INSERT INTO contact_change (contact, audience_id, op, initial, earliest_urgency, value, trait_value, waits)
SELECT
    follower.contact,
    follower.audience_id,
    'reasserted',
    plan_audience.initial,
    follower.urgency,
    true,
    follower.value,
    (
        SELECT min(other.waits)
        FROM contact_change AS other
        WHERE other.contact = follower.contact AND other.waits = 'refused'
    )
FROM follower
JOIN plan_audience USING (audience_id)
WHERE NOT EXISTS (
        SELECT FROM contact_change
        WHERE contact_change.contact = follower.contact AND contact_change.audience_id = follower.audience_id
    )
