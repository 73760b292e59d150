-- Purpose: what people told syncer to do about somebody who is being forgotten is kept, and names nobody. Arguments
-- are texts and lists of texts; the rest names nobody.
-- Rows: none.
WITH argument AS (
    SELECT a.action_id, pair.key, pair.value, jsonb_typeof(pair.value) = 'array' AS is_list
    FROM operator_action AS a
    CROSS JOIN jsonb_each(a.arguments) AS pair
),
item AS (
    SELECT argument.action_id, argument.key, argument.is_list, item.value, item.place
    FROM argument
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE WHEN argument.is_list THEN argument.value ELSE jsonb_build_array(argument.value) END
    ) WITH ORDINALITY AS item (value, place)
),
replaced AS (
    SELECT item.action_id, item.key, item.is_list, item.place, coalesce(who.token, p.token) AS token, item.value
    FROM item
    LEFT JOIN forgotten_user AS who
        ON jsonb_typeof(item.value) = 'string' AND who.name = (item.value #>> '{}') COLLATE "C"
    LEFT JOIN forgotten_contact AS p
        ON jsonb_typeof(item.value) = 'string' AND p.name = contact_of(item.value #>> '{}') COLLATE "C"
),
rewritten AS (
    SELECT
        r.action_id,
        r.key,
        CASE WHEN r.is_list
            THEN jsonb_agg(coalesce(to_jsonb(r.token), r.value) ORDER BY r.place)
            ELSE jsonb_agg(coalesce(to_jsonb(r.token), r.value)) -> 0
        END AS value
    FROM replaced AS r
    GROUP BY r.action_id, r.key, r.is_list
    HAVING count(r.token) > 0
),
amended AS (
    SELECT rewritten.action_id, jsonb_object_agg(rewritten.key, rewritten.value) AS arguments
    FROM rewritten
    GROUP BY rewritten.action_id
)
UPDATE operator_action AS a
SET arguments = a.arguments || amended.arguments
FROM amended
WHERE a.action_id = amended.action_id
