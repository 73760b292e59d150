-- Purpose: the contacts of rows, of the state or its history, that have one of these users or told about one. Passes
-- once over the whole history, which has no index by user.
-- Rows: none; fills forgotten_contact.
INSERT INTO forgotten_contact (name)
SELECT DISTINCT seen.contact
FROM (
    SELECT synced_member.contact
    FROM forgotten_user
    JOIN synced_member ON synced_member.user_id = forgotten_user.name
    UNION ALL
    SELECT told_false.contact
    FROM forgotten_user
    JOIN told_false ON told_false.user_id = forgotten_user.name
    UNION ALL
    SELECT uncertain.contact
    FROM forgotten_user
    JOIN uncertain ON uncertain.user_id = forgotten_user.name
    UNION ALL
    SELECT refused_contact.contact
    FROM forgotten_user
    JOIN refused_contact ON refused_contact.user_id = forgotten_user.name
    UNION ALL
    SELECT held_change.contact
    FROM forgotten_user
    JOIN held_change ON held_change.user_id = forgotten_user.name
    UNION ALL
    SELECT sync_change.contact
    FROM sync_change
    WHERE sync_change.user_id IN (SELECT forgotten_user.name FROM forgotten_user)
        OR sync_change.told_as IN (SELECT forgotten_user.name FROM forgotten_user)
) AS seen
WHERE NOT is_token(seen.contact)
ON CONFLICT (name) DO NOTHING
