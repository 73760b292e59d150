-- Purpose: the history of somebody who is being forgotten is kept, and names nobody.
-- Rows: none.
UPDATE sync_change AS c
SET contact = p.token,
    user_id = coalesce((SELECT who.token FROM forgotten_user AS who WHERE who.name = c.user_id), c.user_id),
    told_as = coalesce((SELECT who.token FROM forgotten_user AS who WHERE who.name = c.told_as), c.told_as),
    email = CASE WHEN c.email IS NOT NULL THEN p.token END,
    traits = NULL
FROM forgotten_contact AS p
WHERE c.contact = p.name
