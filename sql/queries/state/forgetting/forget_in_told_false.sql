-- Purpose: that somebody who is being forgotten was told false is kept, and names nobody.
-- Rows: none.
UPDATE told_false AS f
SET contact = p.token,
    user_id = coalesce((SELECT who.token FROM forgotten_user AS who WHERE who.name = f.user_id), f.user_id),
    email = CASE WHEN f.email IS NOT NULL THEN p.token END
FROM forgotten_contact AS p
CROSS JOIN destination -- the key begins with it
WHERE f.destination_id = destination.destination_id AND f.contact = p.name
