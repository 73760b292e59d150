-- Purpose: lists the rows of these contacts and users that cannot be sent, after the plan that was just made.
-- Parameters: contacts, users.
-- Rows: audience, user_id, email, reason.
SELECT DISTINCT audience, user_id, email, reason
FROM member_delta
WHERE kind = 'skip' AND (contact = ANY (%(contacts)s::text[]) OR user_id = ANY (%(users)s::text[]))
ORDER BY audience, user_id, email
