-- Purpose: how many different addresses the snapshot holds.
-- Placeholders: source.
-- Rows: one: contacts.
SELECT count(DISTINCT contact_of(source.email)) AS contacts
FROM {source} AS source
WHERE contact_of(source.email) <> ''
