-- Purpose: reads the membership table where it is, if it lives in the state's own database. Its texts compare bytewise.
-- Placeholders: members (the warehouse's own statement), more (further columns).
-- Rows: audience, user_id, email, unsendable, and further columns.
SELECT
    m.audience COLLATE "C" AS audience,
    m.user_id COLLATE "C" AS user_id,
    m.email COLLATE "C" AS email,
    m.unsendable{more}
FROM (
{members}
) AS m
