-- Purpose: lists as skipped the rows whose email or trait is not the one that goes along with their contact's calls,
-- because another row of the contact decided it (see resolve_profiles), or because it cannot be sent: that is a null
-- among the traits. What else such a row says goes out.
-- Placeholders: source; contact, email, traits (expressions of `source`).
-- Rows: none; fills member_delta with skip.
INSERT INTO member_delta (kind, audience_id, user_id, reason, audience, email)
SELECT
    'skip',
    plan_audience.audience_id,
    source.user_id,
    CASE WHEN {traits} @? 'strict $.* ? (@ == null)' THEN 'unsendable_text' ELSE 'conflicting_values' END,
    source.audience,
    source.email
FROM {source} AS source
JOIN plan_audience ON plan_audience.name = source.audience AND plan_audience.reads
JOIN profile ON profile.contact = {contact}
WHERE skip_reason(source.audience, source.user_id, contact_of(source.email), source.unsendable) IS NULL
    AND (profile.email <> {email} OR NOT profile.traits @> coalesce({traits}, '{{}}'))
