-- Purpose: rows whose email or trait is not what their contact is told, because another row of it says otherwise.
-- Placeholders: source; contact, email, traits (see resolve_profiles).
-- Rows: none; fills member_delta with skips.
INSERT INTO member_delta (kind, audience_id, user_id, reason, audience, email)
SELECT 'skip', listed.audience_id, source.user_id, 'conflicting_values', source.audience, source.email
FROM {source} AS source
JOIN plan_audience AS listed ON listed.name = source.audience AND listed.reads
JOIN profile AS p ON p.contact = {contact}
WHERE skip_reason(source.audience, source.user_id, contact_of(source.email), source.unsendable) IS NULL
    AND (p.email <> {email} OR NOT p.traits @> jsonb_strip_nulls(coalesce({traits}, '{{}}')))
