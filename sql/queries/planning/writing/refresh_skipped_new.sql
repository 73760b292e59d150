-- Purpose: members that are skipped from now on enter the list; those that were stay as they are, unwritten.
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
        d.*,
        skipped_fingerprint(d.reason, d.audience, d.user_id, d.email) AS fingerprint
    FROM member_delta AS d
    WHERE d.kind = 'skip'
) AS skipped
WHERE NOT EXISTS (
    SELECT FROM skipped_member AS s
    WHERE s.destination_id = %(destination_id)s AND s.fingerprint = skipped.fingerprint
)
