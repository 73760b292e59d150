-- Purpose: lists the contacts of these users and the users of these contacts, as the state knows them, by its indexes.
-- Parameters: contacts, users (arrays).
-- Rows: contact, user_id (both may be among those given).
SELECT synced_member.contact, synced_member.user_id
FROM synced_member
WHERE synced_member.destination_id = ANY (ARRAY(SELECT destination.destination_id FROM destination))
    AND synced_member.contact = ANY (%(contacts)s::text[])
UNION
SELECT synced_member.contact, synced_member.user_id
FROM synced_member
WHERE synced_member.user_id = ANY (%(users)s::text[])
UNION
SELECT told_false.contact, told_false.user_id
FROM told_false
WHERE told_false.destination_id = ANY (ARRAY(SELECT destination.destination_id FROM destination))
    AND told_false.contact = ANY (%(contacts)s::text[])
UNION
SELECT told_false.contact, told_false.user_id FROM told_false WHERE told_false.user_id = ANY (%(users)s::text[])
UNION
SELECT uncertain.contact, uncertain.user_id
FROM uncertain
WHERE uncertain.destination_id = ANY (ARRAY(SELECT destination.destination_id FROM destination))
    AND uncertain.contact = ANY (%(contacts)s::text[])
UNION
SELECT uncertain.contact, uncertain.user_id FROM uncertain WHERE uncertain.user_id = ANY (%(users)s::text[])
