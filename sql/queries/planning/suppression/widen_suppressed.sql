-- Purpose: adds whoever is the same person by a row of the snapshot: the user of a row whose address is suppressed, and
-- the address of a row whose user is. One step, and no further: who shares an address with somebody else is not all
-- that this one is. A user id that too many contacts have is no identity.
-- Parameters: max_contacts.
-- Rows: none.
INSERT INTO suppressed_person (kind, name)
WITH user_of_contact AS MATERIALIZED (
    SELECT DISTINCT snapshot_member.user_id
    FROM snapshot_member
    JOIN suppressed_person
        ON suppressed_person.kind = 'contact' AND suppressed_person.name = contact_of(snapshot_member.email)
    WHERE contact_of(snapshot_member.user_id) <> ''
),
no_identity AS MATERIALIZED (
    SELECT snapshot_member.user_id
    FROM snapshot_member
    JOIN user_of_contact ON user_of_contact.user_id = snapshot_member.user_id
    GROUP BY snapshot_member.user_id
    HAVING count(DISTINCT contact_of(snapshot_member.email)) > %(max_contacts)s
)
SELECT found.kind, found.name
FROM (
    SELECT 'contact' AS kind, contact_of(snapshot_member.email) AS name
    FROM snapshot_member
    JOIN suppressed_person ON suppressed_person.kind = 'user' AND suppressed_person.name = snapshot_member.user_id
    WHERE contact_of(snapshot_member.email) <> ''
    UNION
    SELECT 'user', user_of_contact.user_id
    FROM user_of_contact
    WHERE user_of_contact.user_id NOT IN (SELECT no_identity.user_id FROM no_identity)
) AS found
EXCEPT
SELECT suppressed_person.kind, suppressed_person.name
FROM suppressed_person
