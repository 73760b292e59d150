-- Purpose: members that were skipped and are not any more leave the list. Judged are the audiences of this plan, and
-- the rows that name none.
-- Parameters: destination_id.
-- Rows: none.
DELETE FROM skipped_member AS s
WHERE s.destination_id = %(destination_id)s
    AND (
        s.audience_id IN (SELECT listed.audience_id FROM plan_audience AS listed)
        OR s.audience_id IS NULL
    )
    AND NOT EXISTS (
        SELECT FROM member_delta AS d
        WHERE d.kind = 'skip'
            AND s.fingerprint = skipped_fingerprint(d.reason, d.audience, d.user_id, d.email)
    )
