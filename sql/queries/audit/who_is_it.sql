-- Purpose: the contacts and user ids that somebody is known by: the name that was given, in both readings; the users
-- of that contact; the contacts of that user. From the state, by its indexes.
-- Parameters: who.
-- Rows: contact, user_id (either may be null).
SELECT contact_of(%(who)s) AS contact, %(who)s::text AS user_id
UNION
SELECT NULL, m.user_id FROM synced_member AS m WHERE m.contact = contact_of(%(who)s)
UNION
SELECT NULL, m.user_id FROM synced_member AS m WHERE m.email = contact_of(%(who)s)
UNION
SELECT NULL, f.user_id FROM told_false AS f WHERE f.contact = contact_of(%(who)s)
UNION
SELECT m.contact, NULL FROM synced_member AS m WHERE m.user_id = %(who)s
UNION
SELECT r.contact, NULL FROM refused_contact AS r WHERE r.user_id = %(who)s
UNION
SELECT h.contact, NULL FROM held_change AS h WHERE h.user_id = %(who)s
UNION
SELECT u.contact, NULL FROM uncertain AS u WHERE u.user_id = %(who)s
UNION
SELECT f.contact, NULL FROM told_false AS f WHERE f.user_id = %(who)s
