-- Purpose: what is uncertain about somebody who is being forgotten stays so, and names nobody.
-- Rows: none.
UPDATE uncertain AS u
SET contact = p.token,
    user_id = coalesce((SELECT who.token FROM forgotten_user AS who WHERE who.name = u.user_id), u.user_id),
    email = CASE WHEN u.email IS NOT NULL THEN p.token END
FROM forgotten_contact AS p
WHERE u.contact = p.name
