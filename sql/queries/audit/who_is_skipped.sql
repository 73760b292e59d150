-- Purpose: lists the rows of these contacts and users that cannot be sent, after the plan that was just made.
-- Parameters: contacts, users.
-- Rows: audience, user_id, email, reason.
SELECT DISTINCT member_delta.audience, member_delta.user_id, member_delta.email, member_delta.reason
FROM member_delta
WHERE member_delta.kind = 'skip'
    AND (member_delta.contact = ANY (%(contacts)s::text[]) OR member_delta.user_id = ANY (%(users)s::text[]))
ORDER BY member_delta.audience, member_delta.user_id, member_delta.email
