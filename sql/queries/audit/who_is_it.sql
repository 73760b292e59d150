-- Purpose: lists the contacts and user ids that a person is known by: the given name, read both ways; the users of that
-- contact; and the contacts of that user. It asks the state, by its indexes.
-- Parameters: who.
-- Rows: contact, user_id (either may be null).
SELECT contact_of(%(who)s) AS contact, %(who)s::text AS user_id
UNION
SELECT NULL, synced_member.user_id
FROM synced_member
WHERE synced_member.destination_id = ANY (ARRAY(SELECT destination.destination_id FROM destination))
    AND synced_member.contact = contact_of(%(who)s)
UNION
SELECT NULL, synced_member.user_id FROM synced_member WHERE synced_member.email = contact_of(%(who)s)
UNION
SELECT NULL, told_false.user_id
FROM told_false
WHERE told_false.destination_id = ANY (ARRAY(SELECT destination.destination_id FROM destination))
    AND told_false.contact = contact_of(%(who)s)
UNION
SELECT synced_member.contact, NULL FROM synced_member WHERE synced_member.user_id = %(who)s
UNION
SELECT refused_contact.contact, NULL FROM refused_contact WHERE refused_contact.user_id = %(who)s
UNION
SELECT held_change.contact, NULL FROM held_change WHERE held_change.user_id = %(who)s
UNION
SELECT uncertain.contact, NULL FROM uncertain WHERE uncertain.user_id = %(who)s
UNION
SELECT told_false.contact, NULL FROM told_false WHERE told_false.user_id = %(who)s
