-- Purpose: what a contact's call carries beside its properties; of user ids: of the rows that it has now the smallest; if it has none left,
-- of the rows that go. (Segment keys by user id too: a call must never name a user who is somewhere else by now.)
-- Run again when contacts were added to the plan: those that have a caller keep it.
-- Parameters: destination_id.
-- Rows: none; fills caller.
INSERT INTO caller (contact, user_id, email, traits)
WITH changed AS NOT MATERIALIZED (
    SELECT c.contact, c.came
    FROM contact_change AS c
    WHERE NOT EXISTS (SELECT FROM caller WHERE caller.contact = c.contact)
),
person AS (
    SELECT
        named.contact,
        coalesce(min(named.user_id) FILTER (WHERE named.here), min(named.user_id)) AS user_id,
        min(named.email) AS email
    FROM (
        SELECT changed.contact, changed.came AS user_id, NULL AS email, true AS here
        FROM changed
        WHERE changed.came IS NOT NULL
        UNION ALL
        SELECT d.contact, d.user_id, d.email, false
        FROM member_delta AS d
        WHERE d.kind NOT IN ('skip', 'gain') AND d.contact IN (SELECT changed.contact FROM changed)
        UNION ALL
        SELECT m.contact, m.user_id, m.email, true
        FROM known_member AS m
        WHERE m.contact IN (SELECT changed.contact FROM changed)
            AND NOT EXISTS (
                SELECT FROM member_delta AS lost
                WHERE lost.kind = 'lose' AND NOT lost.named AND lost.contact = m.contact
                    AND lost.audience_id = m.audience_id AND lost.user_id = m.user_id
            )
    ) AS named
    GROUP BY named.contact
)
SELECT
    person.contact,
    person.user_id,
    coalesce(p.email, told.email, person.email),
    nullif(p.traits, '{}')
FROM person
LEFT JOIN profile AS p ON p.contact = person.contact
LEFT JOIN synced_profile AS told ON told.destination_id = %(destination_id)s AND told.contact = person.contact
