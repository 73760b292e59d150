-- Purpose: what the guard holds of somebody who is being forgotten names nobody until the next plan drops it.
-- Rows: none.
UPDATE held_change AS h
SET contact = p.token,
    user_id = coalesce((SELECT who.token FROM forgotten_user AS who WHERE who.name = h.user_id), h.user_id),
    email = CASE WHEN h.email IS NOT NULL THEN p.token END
FROM forgotten_contact AS p
WHERE h.contact = p.name
