-- Purpose: finds what each contact's calls carry beside its properties. The user id is the smallest of the rows that
-- the contact has now, or, if it has none left, of the rows that go: Segment keys by user id too, so a call must never
-- name a user who is somewhere else by now. It runs again when contacts were added to the plan; the others keep what
-- they have.
-- Parameters: destination_id.
-- Rows: none; fills caller.
INSERT INTO caller (contact, user_id, email, traits)
WITH unnamed AS NOT MATERIALIZED (
    SELECT contact_change.contact, contact_change.entering_user_id
    FROM contact_change
    WHERE NOT EXISTS (SELECT FROM caller WHERE caller.contact = contact_change.contact)
),
person AS (
    SELECT
        row_of.contact,
        coalesce(min(row_of.user_id) FILTER (WHERE row_of.present), min(row_of.user_id)) AS user_id,
        min(row_of.email) AS email
    FROM (
        SELECT unnamed.contact, unnamed.entering_user_id AS user_id, NULL AS email, true AS present
        FROM unnamed
        WHERE unnamed.entering_user_id IS NOT NULL
        UNION ALL
        SELECT member_delta.contact, member_delta.user_id, member_delta.email, false
        FROM member_delta
        WHERE member_delta.kind NOT IN ('skip', 'gain')
            AND member_delta.contact IN (SELECT unnamed.contact FROM unnamed)
        UNION ALL
        SELECT known.contact, known.user_id, known.email, true
        FROM (
            SELECT known_member.contact, known_member.user_id, known_member.audience_id, known_member.email
            FROM known_member
            WHERE known_member.contact IN (SELECT unnamed.contact FROM unnamed)
            OFFSET 0 -- where nearly all is lost, the planner would read all changes for each row that is left
        ) AS known
        WHERE NOT EXISTS (
                SELECT FROM member_delta AS lost
                WHERE lost.kind = 'lose'
                    AND NOT lost.still_named
                    AND lost.contact = known.contact
                    AND lost.audience_id = known.audience_id
                    AND lost.user_id = known.user_id
            )
    ) AS row_of
    GROUP BY row_of.contact
)
SELECT
    person.contact,
    person.user_id,
    coalesce(profile.email, synced_profile.email, person.email),
    nullif(profile.traits, '{}')
FROM person
LEFT JOIN profile ON profile.contact = person.contact
LEFT JOIN synced_profile
    ON synced_profile.destination_id = %(destination_id)s AND synced_profile.contact = person.contact
