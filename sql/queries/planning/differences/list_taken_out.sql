-- Purpose: lists the rows that were taken out of the snapshot as skipped.
-- Placeholders: contact (of `source`).
-- Rows: none; fills member_delta with skip.
INSERT INTO member_delta (kind, audience_id, contact, user_id, reason, audience, email)
SELECT 'skip', plan_audience.audience_id, {contact}, source.user_id, source.reason, source.audience, source.email
FROM taken_out AS source
LEFT JOIN plan_audience ON plan_audience.name = source.audience
WHERE plan_audience.reads OR source.audience IS NULL
