-- Purpose: counts the different contacts of the snapshot. It folds each email once: there are fewer emails than rows.
-- Placeholders: source.
-- Rows: one: contacts.
SELECT count(*) AS contacts
FROM (
    SELECT DISTINCT contact_of(written.email) AS contact
    FROM (
        SELECT DISTINCT source.email
        FROM {source} AS source
        OFFSET 0 -- keeps the condition from being asked of every row
    ) AS written
) AS folded
WHERE folded.contact <> ''
