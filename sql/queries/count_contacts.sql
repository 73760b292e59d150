-- Purpose: how many different addresses the snapshot holds.
-- Placeholders: source.
-- Rows: one: contacts.
SELECT count(*) AS contacts
FROM (
    SELECT DISTINCT contact_of(source.email) AS contact
    FROM {source} AS source
) AS named
WHERE named.contact <> ''
