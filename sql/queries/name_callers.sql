-- Purpose: the user id that a contact's call carries: of the rows that it has now the smallest; if it has none left,
-- of the rows that go. (Segment keys by user id too: a call must never name a user who is somewhere else by now.)
-- Parameters: destination_id.
-- Rows: none; fills caller.
INSERT INTO caller (contact, user_id)
SELECT named.contact, coalesce(min(named.user_id) FILTER (WHERE named.here), min(named.user_id))
FROM (
    SELECT d.contact, d.user_id, d.kind = 'gain' AS here
    FROM member_delta AS d
    WHERE d.kind <> 'skip'
    UNION ALL
    SELECT m.contact, m.user_id, true
    FROM (SELECT DISTINCT c.contact FROM contact_change AS c) AS changed
    JOIN synced_member AS m ON m.destination_id = %(destination_id)s AND m.contact = changed.contact
    WHERE NOT EXISTS (
        SELECT FROM member_delta AS lost
        WHERE lost.kind = 'lose' AND NOT lost.named AND lost.contact = m.contact
            AND lost.audience_id = m.audience_id AND lost.user_id = m.user_id
    )
) AS named
GROUP BY named.contact
