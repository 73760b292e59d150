-- Purpose: lists what the warehouse says of these contacts and users now.
-- Placeholders: source.
-- Parameters: contacts, users (arrays).
-- Rows: audience, user_id, email, contact, problem (why the row cannot be sent, or null).
SELECT DISTINCT
    source.audience,
    source.user_id,
    source.email,
    contact_of(source.email) AS contact,
    skip_reason(source.audience, source.user_id, contact_of(source.email), source.unsendable) AS problem
FROM {source} AS source
WHERE contact_of(source.email) = ANY (%(contacts)s::text[]) OR source.user_id = ANY (%(users)s::text[])
ORDER BY source.audience, source.user_id, source.email
