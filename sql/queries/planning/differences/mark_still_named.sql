-- Purpose: marks the lose and unsure rows that a skipped row still names: a skipped row is never read as an exit of the
-- contact or the user that it names. It names a contact, and a user who has no other, sendable row in the audience (a
-- user who has one really has left the old address). If it names no audience, it is about all that are not retired. A
-- row that is only out of reach, or that only disagrees with another row about a value, names no user: it could be
-- sent, so its user really is where it says.
-- Whoever is suppressed leaves whatever names them. A row that was taken out of the snapshot names nobody.
-- What the state has of contacts beyond the destination's reach was not compared, and says nothing of where a user is.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none.
WITH by_contact AS (
    SELECT DISTINCT gone.audience_id, gone.contact, gone.user_id
    FROM member_delta AS gone
    JOIN plan_audience ON plan_audience.audience_id = gone.audience_id AND NOT plan_audience.retired
    JOIN member_delta AS skipped
        ON skipped.contact = gone.contact
        AND (skipped.audience_id = gone.audience_id OR skipped.audience_id IS NULL)
    WHERE gone.kind IN ('lose', 'unsure')
        AND NOT gone.suppressed
        AND skipped.kind = 'skip'
        AND skipped.reason NOT IN ('suppressed', 'outranked', 'held_out')
),
by_user AS MATERIALIZED (
    SELECT DISTINCT gone.audience_id, gone.contact, gone.user_id
    FROM member_delta AS gone
    JOIN plan_audience ON plan_audience.audience_id = gone.audience_id AND NOT plan_audience.retired
    JOIN member_delta AS skipped
        ON skipped.user_id = gone.user_id
        AND (skipped.audience_id = gone.audience_id OR skipped.audience_id IS NULL)
    WHERE gone.kind IN ('lose', 'unsure')
        AND NOT gone.suppressed
        AND skipped.kind = 'skip'
        AND skipped.reason NOT IN (
            'out_of_rollout', 'conflicting_values', 'suppressed', 'outranked', 'held_out'
        )
),
elsewhere AS (
    SELECT came.audience_id, came.user_id
    FROM member_delta AS came
    WHERE came.kind = 'gain'
    UNION ALL
    SELECT stays.audience_id, stays.user_id
    FROM by_user
    JOIN synced_member AS stays
        ON stays.destination_id = %(destination_id)s
        AND stays.user_id = by_user.user_id
        AND stays.audience_id = by_user.audience_id
    LEFT JOIN member_delta AS lost
        ON lost.kind = 'lose'
        AND lost.contact = stays.contact
        AND lost.audience_id = stays.audience_id
        AND lost.user_id = stays.user_id
    WHERE lost.contact IS NULL
        AND NOT is_token(stays.contact)
        AND is_in_reach(stays.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
),
named AS (
    SELECT by_contact.audience_id, by_contact.contact, by_contact.user_id
    FROM by_contact
    UNION
    SELECT by_user.audience_id, by_user.contact, by_user.user_id
    FROM by_user
    WHERE NOT EXISTS (
        SELECT FROM elsewhere
        WHERE elsewhere.user_id = by_user.user_id AND elsewhere.audience_id = by_user.audience_id
    )
)
UPDATE member_delta
SET still_named = true
FROM named
WHERE member_delta.kind IN ('lose', 'unsure')
    AND member_delta.audience_id = named.audience_id
    AND member_delta.contact = named.contact
    AND member_delta.user_id = named.user_id
