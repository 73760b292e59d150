-- Purpose: Segment also keys by user id, so the false to an old contact is followed by the current value to that
-- user's present contact. If that value is going out anyway it is only made to go later; a covered one is told
-- after all; one that did not change is reasserted.
-- Parameters: destination_id.
-- Rows: none.
WITH present AS MATERIALIZED (
    SELECT DISTINCT there.contact, gone.audience_id
    FROM contact_change AS gone
    JOIN caller ON caller.contact = gone.contact
    JOIN LATERAL (
        SELECT d.contact
        FROM member_delta AS d
        WHERE d.kind = 'gain' AND d.user_id = caller.user_id AND d.audience_id = gone.audience_id
        UNION ALL
        SELECT m.contact
        FROM synced_member AS m
        WHERE m.destination_id = %(destination_id)s
            AND m.user_id = caller.user_id AND m.audience_id = gone.audience_id
            AND NOT EXISTS (
                SELECT FROM member_delta AS lost
                WHERE lost.kind = 'lose' AND NOT lost.named AND lost.contact = m.contact
                    AND lost.audience_id = m.audience_id AND lost.user_id = m.user_id
            )
    ) AS there ON there.contact <> gone.contact
    WHERE gone.op = 'removed'
),
told_later AS (
    UPDATE contact_change AS c
    SET follows = true, op = CASE WHEN c.op = 'covered' THEN 'reasserted' ELSE c.op END
    FROM present AS p
    WHERE c.contact = p.contact AND c.audience_id = p.audience_id
)
INSERT INTO contact_change (contact, audience_id, op, initial, follows, value)
SELECT p.contact, p.audience_id, 'reasserted', listed.initial, true, true
FROM present AS p
JOIN plan_audience AS listed USING (audience_id)
WHERE NOT EXISTS (
    SELECT FROM contact_change AS c
    WHERE c.contact = p.contact AND c.audience_id = p.audience_id
)
