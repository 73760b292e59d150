-- Purpose: what the guard holds of people who are being forgotten loses their names, until the next plan drops it.
-- Rows: none.
UPDATE held_change
SET contact = forgotten_contact.token,
    user_id = coalesce(
        (SELECT forgotten_user.token FROM forgotten_user WHERE forgotten_user.name = held_change.user_id),
        held_change.user_id
    ),
    email = CASE WHEN held_change.email IS NOT NULL THEN forgotten_contact.token END
FROM forgotten_contact
WHERE held_change.destination_id = forgotten_contact.destination_id
    AND held_change.contact = forgotten_contact.contact
