-- Purpose: compares the values of computed traits with those that the destination accepted, and adds what differs to
-- member_delta (diff_members says what its kinds mean). A contact has one value: where its rows disagree, the smallest
-- counts (by user id, then by value, bytewise), and the rows with another one are skipped. A contact that has no value
-- any more leaves, unless the trait keeps those who drop out of it. The state may have several rows of a contact, of
-- users whose rows cannot be sent any more: the user who has the value now gains a row only if none of them is theirs.
-- Placeholders: source; contact (the expression of `source` that is the contact).
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none; fills member_delta with gain, lose, changed, again and skip.
WITH judged AS MATERIALIZED (
    SELECT
        plan_audience.audience_id,
        source.audience,
        {contact} AS contact,
        source.user_id,
        source.email,
        trait_value(source.value, source.value_type) AS value,
        coalesce(
            skip_reason(source.audience, source.user_id, contact_of(source.email), source.unsendable),
            CASE WHEN trait_value(source.value, source.value_type) IS NULL THEN 'unsendable_text' END,
            CASE
                WHEN NOT is_in_reach({contact}, %(reach_contacts)s::text[], %(rollout)s::float8) THEN 'out_of_rollout'
            END
        ) AS reason
    FROM {source} AS source
    JOIN plan_audience
        ON plan_audience.name = source.audience AND plan_audience.is_trait AND plan_audience.reads
    WHERE source.value IS NOT NULL
),
ranked AS MATERIALIZED (
    SELECT
        judged.*,
        row_number() OVER by_contact AS rank,
        first_value(judged.value) OVER by_contact AS smallest
    FROM judged
    WHERE judged.reason IS NULL
    WINDOW by_contact AS (
        PARTITION BY judged.audience_id, judged.contact
        ORDER BY judged.user_id COLLATE "C", judged.value::text COLLATE "C"
    )
),
compared AS MATERIALIZED (
    SELECT
        coalesce(snapshot.audience_id, synced.audience_id) AS audience_id,
        coalesce(snapshot.contact, synced.contact) AS contact,
        snapshot.user_id,
        snapshot.value,
        synced.user_id AS synced_user_id,
        synced.value AS synced_value,
        synced.entered_run_id,
        synced.entered_at,
        synced.told_run_id,
        synced.due,
        synced.keeps
    FROM (SELECT * FROM ranked WHERE ranked.rank = 1) AS snapshot
    FULL JOIN (
        SELECT
            synced_member.audience_id,
            synced_member.contact,
            synced_member.user_id,
            synced_member.value,
            synced_member.entered_run_id,
            synced_member.entered_at,
            synced_member.told_run_id,
            plan_audience.keeps,
            synced_member.told_run_id < plan_audience.due_before AS due
        FROM synced_member
        JOIN plan_audience ON plan_audience.audience_id = synced_member.audience_id AND plan_audience.is_trait
        WHERE synced_member.destination_id = %(destination_id)s
            AND is_in_reach(synced_member.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
            AND NOT is_token(synced_member.contact)
    ) AS synced ON synced.audience_id = snapshot.audience_id AND synced.contact = snapshot.contact
),
unsendable AS (
    INSERT INTO member_delta (kind, audience_id, contact, user_id, reason, audience, email)
    SELECT 'skip', judged.audience_id, judged.contact, judged.user_id, judged.reason, judged.audience, judged.email
    FROM judged
    WHERE judged.reason IS NOT NULL
),
conflicting AS (
    INSERT INTO member_delta (kind, audience_id, user_id, reason, audience, email)
    SELECT 'skip', ranked.audience_id, ranked.user_id, 'conflicting_values', ranked.audience, ranked.email
    FROM ranked
    WHERE ranked.value <> ranked.smallest
),
gained AS (
    INSERT INTO member_delta (kind, audience_id, contact, user_id, value)
    SELECT 'gain', compared.audience_id, compared.contact, compared.user_id, min(compared.value::text)::jsonb
    FROM compared
    WHERE compared.user_id IS NOT NULL
    GROUP BY compared.audience_id, compared.contact, compared.user_id
    HAVING bool_and(compared.user_id IS DISTINCT FROM compared.synced_user_id)
),
lost AS (
    INSERT INTO member_delta (kind, audience_id, contact, user_id, entered_run_id, entered_at, told_run_id)
    SELECT
        'lose',
        compared.audience_id,
        compared.contact,
        compared.synced_user_id,
        compared.entered_run_id,
        compared.entered_at,
        compared.told_run_id
    FROM compared
    WHERE compared.synced_user_id IS NOT NULL
        AND (
            compared.user_id <> compared.synced_user_id
            OR (compared.user_id IS NULL AND NOT compared.keeps)
        )
),
kept AS (
    INSERT INTO member_delta (kind, audience_id, contact, user_id, value)
    SELECT 'again', compared.audience_id, compared.contact, compared.synced_user_id, compared.synced_value
    FROM compared
    WHERE compared.user_id IS NULL AND compared.keeps AND compared.due
)
INSERT INTO member_delta (kind, audience_id, contact, user_id, value)
SELECT
    CASE WHEN compared.value <> compared.synced_value THEN 'changed' ELSE 'again' END,
    compared.audience_id,
    compared.contact,
    compared.user_id,
    compared.value
FROM compared
WHERE compared.user_id = compared.synced_user_id
    AND (compared.value <> compared.synced_value OR compared.due)
