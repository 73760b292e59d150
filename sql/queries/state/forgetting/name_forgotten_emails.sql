-- Purpose: what was given, read as email: what has an @ and is not read as user id.
-- Parameters: who.
-- Rows: none; fills forgotten_email.
INSERT INTO forgotten_email (name)
SELECT DISTINCT contact_of(given.name)
FROM unnest(%(who)s::text[]) AS given (name)
LEFT JOIN forgotten_user USING (name)
WHERE strpos(given.name, '@') > 0 AND forgotten_user.name IS NULL
