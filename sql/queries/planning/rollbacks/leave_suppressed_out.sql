-- Purpose: lets nobody come back by a rollback whom the warehouse lists as suppressed, by whatever name: the old
-- address of a user, for example, or, where the contact is a user id, the address that its calls carried. Where the
-- destination freezes them, they are told nothing of it at all. See silence_suppressed for the contacts that the list
-- names.
-- Parameters: destination_id, freezes.
-- Rows: none.
WITH back AS MATERIALIZED (
    SELECT member_delta.ctid AS place, member_delta.contact, member_delta.user_id, member_delta.email
    FROM member_delta
    JOIN approved_rollback
        ON approved_rollback.destination_id = %(destination_id)s
        AND approved_rollback.contact = member_delta.contact
        AND approved_rollback.audience_id = member_delta.audience_id
    WHERE NOT member_delta.suppressed
        AND (member_delta.kind IN ('gain', 'unsure') OR (%(freezes)s AND member_delta.kind = 'lose'))
),
named AS (
    SELECT back.place, 'user' AS kind, back.user_id AS name
    FROM back
    UNION ALL
    SELECT back.place, 'contact', back.email
    FROM back
    UNION ALL
    SELECT back.place, 'contact', synced_profile.email
    FROM back
    JOIN synced_profile
        ON synced_profile.destination_id = %(destination_id)s AND synced_profile.contact = back.contact
),
theirs AS (
    SELECT DISTINCT named.place
    FROM named
    JOIN suppressed_person ON suppressed_person.kind = named.kind AND suppressed_person.name = named.name
)
DELETE FROM member_delta
USING theirs
WHERE member_delta.ctid = theirs.place
