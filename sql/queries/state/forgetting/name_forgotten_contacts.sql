-- Purpose: what was given, read as email. Without an @ it is none: user ids that differ in case are different people.
-- Parameters: who.
-- Rows: none; fills forgotten_contact.
INSERT INTO forgotten_contact (name)
SELECT DISTINCT contact_of(given.name)
FROM unnest(%(who)s::text[]) AS given (name)
WHERE strpos(given.name, '@') > 0
