-- Purpose: the rows of the plan that was just made that name somebody and cannot be sent.
-- Parameters: contacts, users.
-- Rows: audience, user_id, email, reason.
SELECT DISTINCT d.audience, d.user_id, d.email, d.reason
FROM member_delta AS d
WHERE d.kind = 'skip' AND (d.contact = ANY (%(contacts)s::text[]) OR d.user_id = ANY (%(users)s::text[]))
ORDER BY d.audience, d.user_id, d.email
