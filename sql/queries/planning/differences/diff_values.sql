-- Purpose: the same for computed traits: one value a contact, where its rows disagree the smallest (user id, then
-- value, bytewise); the other rows are listed. Who has no value any more is left as last told, or leaves.
-- Placeholders: source; contact (see diff_members).
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none; fills member_delta with gain, lose, changed, again and skip.
INSERT INTO member_delta (
    kind, audience_id, entered_run_id, entered_at, contact, user_id, reason, audience, email, value
)
WITH judged AS MATERIALIZED (
    SELECT
        listed.audience_id,
        source.audience,
        {contact} AS contact,
        source.user_id,
        source.email,
        trait_value(source.value, source.value_type) AS value,
        coalesce(
            skip_reason(source.audience, source.user_id, contact_of(source.email), source.unsendable),
            CASE WHEN trait_value(source.value, source.value_type) IS NULL THEN 'unsendable_text' END,
            CASE WHEN NOT is_in_reach({contact}, %(reach_contacts)s::text[], %(rollout)s::float8) THEN 'out_of_rollout' END
        ) AS reason
    FROM {source} AS source
    JOIN plan_audience AS listed ON listed.name = source.audience AND listed.is_trait AND listed.reads
    WHERE source.value IS NOT NULL
),
ranked AS MATERIALIZED (
    SELECT
        j.*,
        row_number() OVER by_contact AS rank,
        first_value(j.value) OVER by_contact AS smallest
    FROM judged AS j
    WHERE j.reason IS NULL
    WINDOW by_contact AS (
        PARTITION BY j.audience_id, j.contact ORDER BY j.user_id COLLATE "C", j.value::text COLLATE "C"
    )
),
compared AS MATERIALIZED (
    SELECT
        coalesce(said.audience_id, told.audience_id) AS audience_id,
        coalesce(said.contact, told.contact) AS contact,
        said.user_id AS said_by,
        told.user_id AS told_by,
        said.value,
        told.value AS before,
        told.entered_run_id,
        told.entered_at,
        told.due,
        told.keeps
    FROM (SELECT * FROM ranked WHERE ranked.rank = 1) AS said
    FULL JOIN (
        SELECT m.audience_id, m.contact, m.user_id, m.value, m.entered_run_id, m.entered_at, listed.keeps,
            m.told_run_id < listed.due_before AS due
        FROM synced_member AS m
        JOIN plan_audience AS listed ON listed.audience_id = m.audience_id AND listed.is_trait
        WHERE m.destination_id = %(destination_id)s
            AND is_in_reach(m.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
            AND NOT is_token(m.contact)
    ) AS told ON told.audience_id = said.audience_id AND told.contact = said.contact
)
SELECT
    CASE
        WHEN c.said_by IS DISTINCT FROM c.told_by THEN 'gain'
        WHEN c.value <> c.before THEN 'changed'
        ELSE 'again'
    END,
    c.audience_id, NULL::integer, NULL::timestamptz, c.contact, c.said_by, NULL, NULL, NULL, c.value
FROM compared AS c
WHERE c.said_by IS NOT NULL AND (c.said_by IS DISTINCT FROM c.told_by OR c.value <> c.before OR c.due)
UNION ALL
SELECT 'again', c.audience_id, NULL, NULL, c.contact, c.told_by, NULL, NULL, NULL, c.before
FROM compared AS c
WHERE c.said_by IS NULL AND c.keeps AND c.due
UNION ALL
SELECT 'lose', c.audience_id, c.entered_run_id, c.entered_at, c.contact, c.told_by, NULL, NULL, NULL, NULL
FROM compared AS c
WHERE c.told_by IS NOT NULL AND (c.said_by <> c.told_by OR (c.said_by IS NULL AND NOT c.keeps))
UNION ALL
SELECT 'skip', j.audience_id, NULL, NULL, j.contact, j.user_id, j.reason, j.audience, j.email, NULL
FROM judged AS j
WHERE j.reason IS NOT NULL
UNION ALL
SELECT 'skip', r.audience_id, NULL, NULL, NULL, r.user_id, 'conflicting_values', r.audience, r.email, NULL
FROM ranked AS r
WHERE r.value <> r.smallest
