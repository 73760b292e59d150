-- Purpose: the memberships of people who are being forgotten stay, without their names and values.
-- Rows: none.
UPDATE synced_member
SET contact = forgotten_contact.token,
    user_id = coalesce(
        (SELECT forgotten_user.token FROM forgotten_user WHERE forgotten_user.name = synced_member.user_id),
        synced_member.user_id
    ),
    email = CASE WHEN synced_member.email IS NOT NULL THEN forgotten_contact.token END,
    value = CASE WHEN synced_member.value IS NOT NULL THEN '"forgotten"'::jsonb END
FROM forgotten_contact
WHERE synced_member.destination_id = forgotten_contact.destination_id
    AND synced_member.contact = forgotten_contact.contact
