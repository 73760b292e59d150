-- Purpose: members that cannot be sent, by reason; a repeated row is one member.
-- Rows: reason, members.
SELECT s.reason, count(*) AS members
FROM (
    SELECT DISTINCT d.reason, d.audience, d.user_id, d.email
    FROM member_delta AS d
    WHERE d.kind = 'skip'
) AS s
GROUP BY s.reason
ORDER BY s.reason
