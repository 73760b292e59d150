-- Purpose: what operators did about people who are being forgotten stays, without their names. Arguments are texts and
-- lists of texts; nothing else can name a person.
-- Rows: none.
WITH argument AS (
    SELECT operator_action.action_id, pair.key, pair.value, jsonb_typeof(pair.value) = 'array' AS is_list
    FROM operator_action
    CROSS JOIN jsonb_each(operator_action.arguments) AS pair
),
item AS (
    SELECT argument.action_id, argument.key, argument.is_list, item.value, item.place
    FROM argument
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE WHEN argument.is_list THEN argument.value ELSE jsonb_build_array(argument.value) END
    ) WITH ORDINALITY AS item (value, place)
),
replaced AS (
    SELECT
        item.action_id,
        item.key,
        item.is_list,
        item.place,
        coalesce(forgotten_user.token, forgotten_email.token) AS token,
        item.value
    FROM item
    LEFT JOIN forgotten_user
        ON jsonb_typeof(item.value) = 'string' AND forgotten_user.name = (item.value #>> '{}') COLLATE "C"
    LEFT JOIN forgotten_email
        ON jsonb_typeof(item.value) = 'string' AND forgotten_email.name = contact_of(item.value #>> '{}') COLLATE "C"
),
rewritten AS (
    SELECT
        replaced.action_id,
        replaced.key,
        CASE WHEN replaced.is_list
            THEN jsonb_agg(coalesce(to_jsonb(replaced.token), replaced.value) ORDER BY replaced.place)
            ELSE jsonb_agg(coalesce(to_jsonb(replaced.token), replaced.value)) -> 0
        END AS value
    FROM replaced
    GROUP BY replaced.action_id, replaced.key, replaced.is_list
    HAVING count(replaced.token) > 0
),
amended AS (
    SELECT rewritten.action_id, jsonb_object_agg(rewritten.key, rewritten.value) AS arguments
    FROM rewritten
    GROUP BY rewritten.action_id
)
UPDATE operator_action
SET arguments = operator_action.arguments || amended.arguments
FROM amended
WHERE operator_action.action_id = amended.action_id
