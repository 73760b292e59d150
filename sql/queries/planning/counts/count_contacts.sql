-- Purpose: how many different contacts the snapshot holds. Different spellings first: there are fewer of them than rows.
-- Placeholders: source.
-- Rows: one: contacts.
SELECT count(*) AS contacts
FROM (
    SELECT DISTINCT contact_of(spelled.email) AS contact
    FROM (
        SELECT DISTINCT source.email
        FROM {source} AS source
        OFFSET 0 -- keeps the condition from being asked of every row
    ) AS spelled
) AS named
WHERE named.contact <> ''
