-- Purpose: what is uncertain about people who are being forgotten stays so, without their names.
-- Rows: none.
UPDATE uncertain
SET contact = forgotten_contact.token,
    user_id = coalesce(
        (SELECT forgotten_user.token FROM forgotten_user WHERE forgotten_user.name = uncertain.user_id),
        uncertain.user_id
    ),
    email = CASE WHEN uncertain.email IS NOT NULL THEN forgotten_contact.token END
FROM forgotten_contact
WHERE uncertain.contact = forgotten_contact.name
