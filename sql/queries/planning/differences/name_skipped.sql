-- Purpose: a skipped row is never read as an exit of the contact or user that it still names. Marks the lose and
-- unsure rows that some skipped row names: by contact, or by user if that user has no sendable row in the audience
-- (if he has one, his old address really is not his any more). A row that names no audience names all that are not retired. A row that is
-- out of reach can be sent elsewhere: its user really is where it says.
-- Parameters: destination_id.
-- Rows: none.
WITH by_contact AS (
    SELECT DISTINCT gone.audience_id, gone.contact, gone.user_id
    FROM member_delta AS gone
    JOIN plan_audience AS listed ON listed.audience_id = gone.audience_id AND NOT listed.retired
    JOIN member_delta AS skipped
        ON skipped.contact = gone.contact
        AND (skipped.audience_id = gone.audience_id OR skipped.audience_id IS NULL)
    WHERE gone.kind IN ('lose', 'unsure') AND skipped.kind = 'skip'
),
by_user AS MATERIALIZED (
    SELECT DISTINCT gone.audience_id, gone.contact, gone.user_id
    FROM member_delta AS gone
    JOIN plan_audience AS listed ON listed.audience_id = gone.audience_id AND NOT listed.retired
    JOIN member_delta AS skipped
        ON skipped.user_id = gone.user_id
        AND (skipped.audience_id = gone.audience_id OR skipped.audience_id IS NULL)
    WHERE gone.kind IN ('lose', 'unsure') AND skipped.kind = 'skip' AND skipped.reason <> 'out_of_rollout'
),
elsewhere AS (
    SELECT came.audience_id, came.user_id, came.contact
    FROM member_delta AS came
    WHERE came.kind = 'gain'
    UNION ALL
    SELECT stays.audience_id, stays.user_id, stays.contact
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
    WHERE lost.contact IS NULL AND NOT is_token(stays.contact)
),
still AS (
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
UPDATE member_delta AS d
SET named = true
FROM still
WHERE d.kind IN ('lose', 'unsure')
    AND d.audience_id = still.audience_id
    AND d.contact = still.contact
    AND d.user_id = still.user_id
