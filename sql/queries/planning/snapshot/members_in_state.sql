-- Purpose: reads the membership table where it is, if it lives in the state's own database. Its texts compare bytewise.
-- Placeholders: members (the warehouse's own statement), more (further columns).
-- Rows: audience, user_id, email, unsendable, and further columns.
SELECT
    member.audience COLLATE "C" AS audience,
    member.user_id COLLATE "C" AS user_id,
    member.email COLLATE "C" AS email,
    member.unsendable{more}
FROM (
{members}
) AS member
