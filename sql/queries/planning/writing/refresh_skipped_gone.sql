-- Purpose: removes the members from the list of skipped ones that are not skipped any more, of the audiences of this
-- plan and of rows that name no audience.
-- Parameters: destination_id.
-- Rows: none.
DELETE FROM skipped_member
WHERE skipped_member.destination_id = %(destination_id)s
    AND (
        skipped_member.audience_id IN (
            SELECT plan_audience.audience_id FROM plan_audience WHERE NOT plan_audience.resting
        )
        OR skipped_member.audience_id IS NULL
    )
    AND NOT EXISTS (
        SELECT FROM member_delta
        WHERE member_delta.kind = 'skip'
            AND skipped_member.fingerprint = skipped_fingerprint(
                member_delta.reason, member_delta.audience, member_delta.user_id, member_delta.email
            )
    )
