-- Purpose: counts the different contacts in a table that keeps a snapshot: the rule is that of the state's contact_of.
-- Placeholders: table.
-- Rows: one: contacts.
SELECT count(*) AS contacts
FROM (
    SELECT DISTINCT lower(btrim(written.email, U&' \0009\000D\000A\00A0') COLLATE "C") AS contact
    FROM (SELECT DISTINCT email FROM {table} OFFSET 0) AS written
) AS folded
WHERE folded.contact <> ''
