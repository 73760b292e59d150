-- Purpose: puts the members of one source into the private table.
-- Placeholders: members, the statement warehouse_members.
-- Rows: none.
INSERT INTO pg_temp.syncer_members (audience, user_id, email, unsendable)
SELECT members.audience, members.user_id, members.email, members.unsendable
FROM (
{members}
) AS members
