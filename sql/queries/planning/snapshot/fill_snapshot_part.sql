-- Purpose: fills snapshot_member with all rows of the users in touched_member, and those that name no audience or no
-- user: of who moved as they are now, of whom something was left as they were, because they did not move.
-- Rows: none.
INSERT INTO snapshot_member (audience, user_id, email, unsendable)
SELECT moved_member.audience, moved_member.user_id, moved_member.email, moved_member.unsendable
FROM moved_member
WHERE moved_member.unsendable IS NOT NULL
UNION ALL
SELECT rest_member.audience, rest_member.user_id, rest_member.email, rest_member.unsendable
FROM rest_member
WHERE rest_member.unsendable IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM moved_member
        WHERE moved_member.audience = rest_member.audience AND moved_member.user_id = rest_member.user_id
    )
