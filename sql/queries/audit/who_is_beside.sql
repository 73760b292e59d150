-- Purpose: lists the contacts and users of the snapshot's rows about these contacts or users.
-- Placeholders: source.
-- Parameters: contacts, users (arrays).
-- Rows: contact, user_id.
SELECT DISTINCT contact_of(email) AS contact, user_id
FROM {source} AS source
WHERE contact_of(email) = ANY (%(contacts)s::text[]) OR user_id = ANY (%(users)s::text[])
