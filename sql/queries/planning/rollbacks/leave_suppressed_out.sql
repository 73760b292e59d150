-- Purpose: lets nobody come back by a rollback whom the warehouse lists as suppressed, by whatever name: the old
-- address of a user, for example. See silence_suppressed for the contacts that it names.
-- Rows: none.
DELETE FROM member_delta
USING suppressed_person, approved_rollback
WHERE member_delta.kind = 'gain'
    AND approved_rollback.contact = member_delta.contact
    AND approved_rollback.audience_id = member_delta.audience_id
    AND suppressed_person.kind = 'user'
    AND suppressed_person.name = member_delta.user_id
