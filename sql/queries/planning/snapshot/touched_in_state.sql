-- Purpose: what the state has of the users in touched_member; stands in diff_members in the place of synced_member.
-- It reads `compared` of that statement. Whatever is not compared there has no audience here.
-- Rows: those of synced_member.
SELECT synced_member.*
FROM touched_member
JOIN compared ON compared.name = touched_member.audience
JOIN synced_member
    ON synced_member.user_id = touched_member.user_id AND synced_member.audience_id = compared.audience_id
