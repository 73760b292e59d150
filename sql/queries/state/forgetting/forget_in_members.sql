-- Purpose: the memberships of somebody who is being forgotten are kept, and name nobody.
-- Rows: none.
UPDATE synced_member AS m
SET contact = p.token,
    user_id = coalesce((SELECT who.token FROM forgotten_user AS who WHERE who.name = m.user_id), m.user_id),
    email = CASE WHEN m.email IS NOT NULL THEN p.token END
FROM forgotten_contact AS p
CROSS JOIN destination -- the key begins with it
WHERE m.destination_id = destination.destination_id AND m.contact = p.name
