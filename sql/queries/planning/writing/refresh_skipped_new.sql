-- Purpose: adds the members that are skipped from now on. Those that were skipped before are not written again.
-- Parameters: run_id, destination_id.
-- Rows: none.
INSERT INTO skipped_member (
    destination_id, fingerprint, audience_id, audience, user_id, email, reason, since, since_run_id
)
SELECT DISTINCT ON (skipped.fingerprint)
    %(destination_id)s,
    skipped.fingerprint,
    skipped.audience_id,
    left(skipped.audience, 512),
    left(skipped.user_id, 512),
    left(skipped.email, 512),
    skipped.reason,
    now(),
    %(run_id)s
FROM (
    SELECT
        member_delta.*,
        skipped_fingerprint(
            member_delta.reason, member_delta.audience, member_delta.user_id, member_delta.email
        ) AS fingerprint
    FROM member_delta
    WHERE member_delta.kind = 'skip'
) AS skipped
WHERE NOT EXISTS (
    SELECT FROM skipped_member
    WHERE skipped_member.destination_id = %(destination_id)s AND skipped_member.fingerprint = skipped.fingerprint
)
