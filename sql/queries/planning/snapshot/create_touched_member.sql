-- Purpose: creates the table of the users in an audience of whom all rows of the snapshot are staged: of them alone
-- anything can differ.
-- Rows: none.
CREATE TEMPORARY TABLE touched_member ON COMMIT DROP AS
SELECT moved_member.audience, moved_member.user_id
FROM moved_member
WHERE moved_member.audience IS NOT NULL AND moved_member.user_id IS NOT NULL
UNION
SELECT rest_member.audience, rest_member.user_id
FROM rest_member
