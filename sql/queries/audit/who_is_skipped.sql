-- Purpose: lists the rows of these contacts and users that cannot be sent, after the plan that was just made.
-- Parameters: contacts, users; destination_id.
-- Rows: audience, user_id, email, reason, since (when a run first skipped it; null: none did yet).
SELECT DISTINCT
    member_delta.audience,
    member_delta.user_id,
    member_delta.email,
    member_delta.reason,
    skipped_member.since
FROM member_delta
LEFT JOIN skipped_member
    ON skipped_member.destination_id = %(destination_id)s
    AND skipped_member.fingerprint = skipped_fingerprint(
        member_delta.reason, member_delta.audience, member_delta.user_id, member_delta.email
    )
WHERE member_delta.kind = 'skip'
    AND (member_delta.contact = ANY (%(contacts)s::text[]) OR member_delta.user_id = ANY (%(users)s::text[]))
ORDER BY member_delta.audience, member_delta.user_id, member_delta.email
