-- Purpose: what a contact's call carries beside its properties; of user ids: of the rows that it has now the smallest; if it has none left,
-- of the rows that go. (Segment keys by user id too: a call must never name a user who is somewhere else by now.)
-- Run again when contacts were added to the plan: those that have a caller keep it.
-- Parameters: destination_id.
-- Rows: none; fills caller.
WITH changed AS MATERIALIZED (
    SELECT DISTINCT c.contact
    FROM contact_change AS c
    WHERE NOT EXISTS (SELECT FROM caller WHERE caller.contact = c.contact)
)
INSERT INTO caller (contact, user_id, email, traits)
SELECT
    named.contact,
    coalesce(min(named.user_id) FILTER (WHERE named.here), min(named.user_id)),
    coalesce(min(p.email), min(told.email), min(named.email)),
    (array_agg(p.traits) FILTER (WHERE p.traits <> '{}'))[1]
FROM (
    SELECT d.contact, d.user_id, d.email, d.kind = 'gain' AS here
    FROM changed
    JOIN member_delta AS d ON d.contact = changed.contact
    WHERE d.kind <> 'skip'
    UNION ALL
    SELECT m.contact, m.user_id, m.email, true
    FROM changed
    JOIN known_member AS m ON m.contact = changed.contact
    WHERE NOT EXISTS (
        SELECT FROM member_delta AS lost
        WHERE lost.kind = 'lose' AND NOT lost.named AND lost.contact = m.contact
            AND lost.audience_id = m.audience_id AND lost.user_id = m.user_id
    )
) AS named
LEFT JOIN profile AS p ON p.contact = named.contact
LEFT JOIN synced_profile AS told ON told.destination_id = %(destination_id)s AND told.contact = named.contact
GROUP BY named.contact
