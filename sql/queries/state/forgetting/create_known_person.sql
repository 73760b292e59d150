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
