-- Purpose: lists the rows of these contacts and users that were taken out of the snapshot.
-- Parameters: contacts, users (arrays).
-- Rows: audience, user_id, email, contact, problem (why it was taken out), because (that in words, or null).
SELECT DISTINCT
    taken_out.audience,
    taken_out.user_id,
    taken_out.email,
    contact_of(taken_out.email) AS contact,
    taken_out.reason AS problem,
    taken_out.because
FROM taken_out
WHERE contact_of(taken_out.email) = ANY (%(contacts)s::text[])
    OR taken_out.user_id = ANY (%(users)s::text[])
ORDER BY audience, user_id, email
