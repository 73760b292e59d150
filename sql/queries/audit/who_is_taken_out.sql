-- Purpose: lists the rows of these contacts and users that were taken out of the snapshot.
-- Parameters: contacts, users (arrays).
-- Rows: audience, user_id, email, contact, problem (why it was taken out), because (that in words, or null), since
-- (when a run first held them out, or null).
SELECT DISTINCT
    taken_out.audience,
    taken_out.user_id,
    taken_out.email,
    contact_of(taken_out.email) AS contact,
    taken_out.reason AS problem,
    taken_out.because,
    held_out.since
FROM taken_out
LEFT JOIN audience ON audience.name = taken_out.audience
LEFT JOIN held_out
    ON taken_out.reason = 'held_out'
    AND held_out.audience_id = audience.audience_id
    AND held_out.user_id = taken_out.user_id
    AND held_out.until IS NULL
WHERE contact_of(taken_out.email) = ANY (%(contacts)s::text[])
    OR taken_out.user_id = ANY (%(users)s::text[])
ORDER BY audience, user_id, email
