-- Purpose: where rows of one contact disagree on its email or on a trait, the smallest is told: by user id, then by
-- value, bytewise. Rows that cannot be sent have no say.
-- Placeholders: source; contact, email, traits (columns of it, or what stands for them).
-- Rows: none; fills profile.
INSERT INTO profile (contact, email, traits)
WITH said AS MATERIALIZED (
    SELECT DISTINCT {contact} AS contact, source.user_id, {email} AS email, {traits} AS traits
    FROM {source} AS source
    WHERE skip_reason('any', source.user_id, contact_of(source.email), source.unsendable) IS NULL
),
smallest AS (
    SELECT DISTINCT ON (said.contact, trait.name) said.contact, trait.name, trait.value
    FROM said
    CROSS JOIN jsonb_each(said.traits) AS trait (name, value)
    WHERE trait.value <> 'null'
    ORDER BY said.contact, trait.name, said.user_id COLLATE "C", trait.value::text COLLATE "C"
),
together AS (
    SELECT smallest.contact, jsonb_object_agg(smallest.name, smallest.value) AS traits
    FROM smallest
    GROUP BY smallest.contact
),
addressed AS (
    SELECT said.contact, min(said.email) AS email
    FROM said
    GROUP BY said.contact
)
SELECT addressed.contact, addressed.email, coalesce(together.traits, '{{}}')
FROM addressed
LEFT JOIN together USING (contact)
