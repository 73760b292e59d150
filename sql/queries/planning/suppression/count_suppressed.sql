-- Purpose: counts the names of each list. What names nobody does not count.
-- Rows: list, entries.
SELECT suppressed_name.audience AS list, count(*) AS entries
FROM suppressed_name
WHERE contact_of(suppressed_name.email) <> '' OR contact_of(suppressed_name.user_id) <> ''
GROUP BY suppressed_name.audience
