-- Purpose: counts the different contacts in a table that keeps a snapshot in DuckDB, whose lower() knows more letters
-- than the state's contact_of.
-- Placeholders: table; blanks (those around an address).
-- Rows: one: contacts.
SELECT count(*) AS contacts
FROM (
    SELECT DISTINCT
        translate(
            trim(decode(written.email), {blanks}), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'
        ) AS contact
    FROM (SELECT DISTINCT email FROM {table}) AS written
) AS folded
WHERE folded.contact <> ''
