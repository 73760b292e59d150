-- Purpose: adds the contacts that only the state knows to be of somebody who is suppressed: a user's old address, or,
-- where the contact is a user id, the user of a listed address. Not where the snapshot still has somebody, which no row
-- of a suppressed user says that only the state has: their value may be kept, or its audience paused.
-- Rows: none; fills suppressed_contact.
INSERT INTO suppressed_contact (contact)
WITH left_behind AS MATERIALIZED (
    SELECT member_delta.contact, member_delta.user_id, member_delta.email
    FROM member_delta
    WHERE member_delta.kind IN ('lose', 'unsure', 'retract', 'again')
),
named AS MATERIALIZED (
    SELECT left_behind.contact, left_behind.user_id, left_behind.email
    FROM left_behind
    UNION
    SELECT known_member.contact, known_member.user_id, known_member.email
    FROM known_member
    WHERE known_member.contact IN (SELECT left_behind.contact FROM left_behind)
),
theirs AS MATERIALIZED (
    SELECT named.contact
    FROM named
    JOIN suppressed_person ON suppressed_person.kind = 'user' AND suppressed_person.name = named.user_id
    UNION
    SELECT named.contact
    FROM named
    JOIN suppressed_person ON suppressed_person.kind = 'contact' AND suppressed_person.name = named.email
),
still_there AS (
    SELECT member_delta.contact
    FROM member_delta
    WHERE member_delta.kind = 'gain'
    UNION
    SELECT known_member.contact
    FROM known_member
    LEFT JOIN member_delta AS lost
        ON lost.kind = 'lose'
        AND lost.contact = known_member.contact
        AND lost.audience_id = known_member.audience_id
        AND lost.user_id = known_member.user_id
    WHERE lost.contact IS NULL
        AND NOT EXISTS (
            SELECT FROM suppressed_person
            WHERE suppressed_person.kind = 'user' AND suppressed_person.name = known_member.user_id
        )
)
SELECT theirs.contact
FROM theirs
WHERE NOT EXISTS (SELECT FROM still_there WHERE still_there.contact = theirs.contact)
ON CONFLICT DO NOTHING
