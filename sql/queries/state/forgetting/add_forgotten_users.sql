-- Purpose: the users of rows, of the state or its history, that have one of these contacts, or carried it as email.
-- Rows: none; fills forgotten_user.
INSERT INTO forgotten_user (name)
SELECT DISTINCT seen.user_id
FROM (
    SELECT synced_member.user_id
    FROM forgotten_contact
    CROSS JOIN destination -- the key begins with it
    JOIN synced_member
        ON synced_member.destination_id = destination.destination_id AND synced_member.contact = forgotten_contact.name
    UNION ALL
    SELECT told_false.user_id
    FROM forgotten_contact
    CROSS JOIN destination
    JOIN told_false
        ON told_false.destination_id = destination.destination_id AND told_false.contact = forgotten_contact.name
    UNION ALL
    SELECT uncertain.user_id
    FROM forgotten_contact
    JOIN uncertain ON uncertain.contact = forgotten_contact.name
    UNION ALL
    SELECT refused_contact.user_id
    FROM forgotten_contact
    JOIN refused_contact ON refused_contact.contact = forgotten_contact.name
    UNION ALL
    SELECT held_change.user_id
    FROM forgotten_contact
    JOIN held_change ON held_change.contact = forgotten_contact.name
    UNION ALL
    SELECT unnest(ARRAY[sync_change.user_id, sync_change.told_as])
    FROM forgotten_contact
    JOIN sync_change ON sync_change.contact = forgotten_contact.name
    UNION ALL
    SELECT synced_member.user_id
    FROM forgotten_contact
    JOIN synced_member ON synced_member.email = forgotten_contact.name
    UNION ALL
    SELECT sync_change.user_id
    FROM forgotten_contact
    JOIN sync_change ON sync_change.email = forgotten_contact.name
    UNION ALL
    SELECT synced_profile.contact
    FROM forgotten_contact
    JOIN synced_profile ON synced_profile.email = forgotten_contact.name
) AS seen
WHERE NOT is_token(seen.user_id)
ON CONFLICT (name) DO NOTHING
