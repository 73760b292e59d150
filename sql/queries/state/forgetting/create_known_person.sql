-- Purpose: every place where the state has a user beside a contact. `email` is null where the contact is the address.
-- Rows: none.
CREATE TEMPORARY VIEW known_person AS
SELECT destination_id, contact, user_id, email
FROM synced_member
UNION ALL
SELECT destination_id, contact, user_id, email
FROM told_false
UNION ALL
SELECT destination_id, contact, user_id, email
FROM uncertain
UNION ALL
SELECT destination_id, contact, user_id, email
FROM owed_event
UNION ALL
SELECT destination_id, contact, user_id, email
FROM refused_contact
UNION ALL
SELECT destination_id, contact, user_id, email
FROM held_change
UNION ALL
SELECT destination_id, contact, contact, email
FROM synced_profile
WHERE email IS NOT NULL -- then the contact is the user
UNION ALL
SELECT destination_id, contact, user_id, email
FROM past_contact
UNION ALL
SELECT destination_id, contact, user_id, email
FROM sync_change
UNION ALL
SELECT destination_id, contact, told_as, email
FROM sync_change
WHERE told_as IS NOT NULL
UNION ALL
SELECT -- whoever is held out may never have been told, and stands in the history all the same
    skipped_member.destination_id,
    CASE
        WHEN destination.account ->> 'identity' = 'email' THEN contact_of(skipped_member.email)
        ELSE skipped_member.user_id
    END COLLATE "C",
    skipped_member.user_id COLLATE "C",
    CASE WHEN destination.account ->> 'identity' <> 'email' THEN contact_of(skipped_member.email) END COLLATE "C"
FROM skipped_member
JOIN destination USING (destination_id)
WHERE skipped_member.reason = 'held_out' AND contact_of(skipped_member.email) <> ''
