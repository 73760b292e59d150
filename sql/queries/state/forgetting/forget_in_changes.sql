-- Purpose: the history of people who are being forgotten stays, without their names and values. That a computed trait
-- was taken back (null) stays: it counts as false.
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
    value = CASE WHEN audience.is_trait AND sync_change.value <> 'null' THEN '"forgotten"' ELSE sync_change.value END,
    traits = NULL
FROM forgotten_contact
CROSS JOIN audience
WHERE sync_change.destination_id = forgotten_contact.destination_id
    AND sync_change.contact = forgotten_contact.contact
    AND sync_change.audience_id = audience.audience_id
