-- Purpose: asks whether the members of one source could be read (rights, columns, casts), and reads none.
-- Placeholders: members, the statement warehouse_members.
-- Rows: none.
SELECT audience, user_id, email, unsendable
FROM (
{members}
) AS members
WHERE false
