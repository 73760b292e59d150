-- Purpose: the history of people who are being forgotten stays, without their names.
-- Rows: none.
UPDATE sync_change
SET contact = forgotten_contact.token,
    user_id = coalesce(
        (SELECT forgotten_user.token FROM forgotten_user WHERE forgotten_user.name = sync_change.user_id),
        sync_change.user_id
    ),
    told_as = coalesce(
        (SELECT forgotten_user.token FROM forgotten_user WHERE forgotten_user.name = sync_change.told_as),
        sync_change.told_as
    ),
    email = CASE WHEN sync_change.email IS NOT NULL THEN forgotten_contact.token END,
    traits = NULL
FROM forgotten_contact
WHERE sync_change.contact = forgotten_contact.name
