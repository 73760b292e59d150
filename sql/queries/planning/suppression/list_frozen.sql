-- Purpose: lists as skipped what a destination that freezes was told of those who are suppressed and have no such row
-- any more, because it stays as it was told.
-- Parameters: by_email (whether the contact is the address).
-- Rows: none; fills member_delta with skip.
INSERT INTO member_delta (kind, audience_id, contact, user_id, reason, audience, email)
SELECT DISTINCT
    'skip',
    plan_audience.audience_id,
    gone.contact,
    gone.user_id,
    'suppressed',
    plan_audience.name,
    CASE WHEN %(by_email)s THEN gone.contact END
FROM member_delta AS gone
JOIN plan_audience ON plan_audience.audience_id = gone.audience_id
WHERE gone.suppressed
    AND gone.kind IN ('lose', 'unsure')
    AND NOT EXISTS (
        SELECT FROM taken_out
        WHERE taken_out.reason = 'suppressed'
            AND taken_out.audience = plan_audience.name
            AND taken_out.user_id = gone.user_id
            AND (NOT %(by_email)s OR contact_of(taken_out.email) = gone.contact)
    )
