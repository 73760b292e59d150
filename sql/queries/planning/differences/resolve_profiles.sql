-- Purpose: finds the email and the traits that go along with each contact's calls. Where its rows disagree, the
-- smallest value counts: by user id, then by value, bytewise. Rows that cannot be sent do not count.
-- Placeholders: source; contact, email, traits (expressions of `source`).
-- Rows: none; fills profile.
INSERT INTO profile (contact, email, traits)
WITH sendable AS MATERIALIZED (
    SELECT DISTINCT {contact} AS contact, source.user_id, {email} AS email, {traits} AS traits
    FROM {source} AS source
    WHERE skip_reason('any', source.user_id, contact_of(source.email), source.unsendable) IS NULL
),
smallest AS (
    SELECT DISTINCT ON (sendable.contact, trait.name) sendable.contact, trait.name, trait.value
    FROM sendable
    CROSS JOIN jsonb_each(sendable.traits) AS trait (name, value)
    WHERE trait.value <> 'null'
    ORDER BY sendable.contact, trait.name, sendable.user_id COLLATE "C", trait.value::text COLLATE "C"
),
together AS (
    SELECT smallest.contact, jsonb_object_agg(smallest.name, smallest.value) AS traits
    FROM smallest
    GROUP BY smallest.contact
),
addressed AS (
    SELECT sendable.contact, min(sendable.email) AS email
    FROM sendable
    GROUP BY sendable.contact
)
SELECT addressed.contact, addressed.email, coalesce(together.traits, '{{}}')
FROM addressed
LEFT JOIN together USING (contact)
