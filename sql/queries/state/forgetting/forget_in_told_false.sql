-- Purpose: people who are being forgotten stay listed as told false, without their names.
-- Rows: none.
UPDATE told_false
SET contact = forgotten_contact.token,
    user_id = coalesce(
        (SELECT forgotten_user.token FROM forgotten_user WHERE forgotten_user.name = told_false.user_id),
        told_false.user_id
    ),
    email = CASE WHEN told_false.email IS NOT NULL THEN forgotten_contact.token END
FROM forgotten_contact
WHERE told_false.destination_id = forgotten_contact.destination_id
    AND told_false.contact = forgotten_contact.contact
