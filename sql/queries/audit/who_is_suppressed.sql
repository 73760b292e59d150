-- Purpose: lists the rows of these contacts and users that were taken out of the snapshot.
-- Parameters: contacts, users (arrays).
-- Rows: audience, user_id, email, contact, problem (that they are suppressed).
SELECT DISTINCT
    suppressed_member.audience,
    suppressed_member.user_id,
    suppressed_member.email,
    contact_of(suppressed_member.email) AS contact,
    'suppressed' AS problem
FROM suppressed_member
WHERE contact_of(suppressed_member.email) = ANY (%(contacts)s::text[])
    OR suppressed_member.user_id = ANY (%(users)s::text[])
ORDER BY audience, user_id, email
