-- Purpose: lists what the warehouse says of these contacts and users now.
-- Placeholders: source.
-- Parameters: contacts, users (arrays).
-- Rows: audience, user_id, email, contact, problem (why the row cannot be sent, or null), because, since (always
-- null).
SELECT DISTINCT
    audience,
    user_id,
    email,
    contact_of(email) AS contact,
    skip_reason(audience, user_id, contact_of(email), unsendable) AS problem,
    NULL AS because,
    NULL AS since
FROM {source} AS source
WHERE contact_of(email) = ANY (%(contacts)s::text[]) OR user_id = ANY (%(users)s::text[])
ORDER BY audience, user_id, email
