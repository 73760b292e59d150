-- Purpose: counts the members that cannot be sent, by reason. A repeated row is one member.
-- Rows: reason, members.
SELECT skipped.reason, count(*) AS members
FROM (
    SELECT DISTINCT member_delta.reason, member_delta.audience, member_delta.user_id, member_delta.email
    FROM member_delta
    WHERE member_delta.kind = 'skip'
) AS skipped
GROUP BY skipped.reason
ORDER BY skipped.reason
