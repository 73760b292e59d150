-- Purpose: texts, most of them receivers' words, that name people who are being forgotten, in any case, set off from
-- other words; of the warehouse's those that are no address and may hold one. Names also as they stand in a path or a
-- form, which a receiver may repeat. A name is looked up by the longest word before its @ (many share the domain), so
-- that neither many names nor many texts are compared each with each.
-- Rows: none.
CREATE TEMPORARY TABLE forgotten_text ON COMMIT DROP AS
WITH said AS MATERIALIZED (
    SELECT sync_exception.reason AS text FROM sync_exception
    UNION
    SELECT refused_contact.reason FROM refused_contact
    UNION
    SELECT owed_event.refusal FROM owed_event WHERE owed_event.refusal IS NOT NULL
    UNION
    SELECT run.error FROM run WHERE run.error IS NOT NULL
    UNION
    SELECT run_destination.error FROM run_destination WHERE run_destination.error IS NOT NULL
    UNION
    SELECT answer.problem
    FROM request
    CROSS JOIN LATERAL jsonb_array_elements_text(request.problems) AS answer (problem)
    UNION
    SELECT skipped_member.email FROM skipped_member
    WHERE skipped_member.reason IN ('invalid_email', 'unsendable_text') AND skipped_member.email IS NOT NULL
),
word_of_text AS (
    SELECT DISTINCT said.text, word.word
    FROM said
    CROSS JOIN LATERAL regexp_split_to_table(
        lower(said.text COLLATE "C"), '[\u0001-/:-@\[-`{-\u007f]+'
    ) AS word (word)
),
named AS MATERIALIZED (
    SELECT lower(forgotten_email.name) AS name FROM forgotten_email
    UNION
    SELECT lower(forgotten_user.name) FROM forgotten_user
),
quoted AS (
    SELECT
        string_agg(
            CASE
                WHEN chr(byte.value) ~ '[a-z0-9._~-]' AND byte.value < 128 THEN chr(byte.value)
                ELSE '%' || lpad(to_hex(byte.value), 2, '0')
            END,
            ''
            ORDER BY place.n
        ) AS name
    FROM named
    CROSS JOIN LATERAL (SELECT convert_to(named.name, 'UTF8') AS bytes) AS as_bytes
    CROSS JOIN LATERAL generate_series(0, length(as_bytes.bytes) - 1) AS place (n)
    CROSS JOIN LATERAL (SELECT get_byte(as_bytes.bytes, place.n) AS value) AS byte
    GROUP BY named.name
),
word_of_name AS (
    SELECT named.name, longest.word
    FROM (
        SELECT named.name FROM named
        UNION
        SELECT quoted.name FROM quoted
    ) AS named
    CROSS JOIN LATERAL (
        SELECT word.word
        FROM regexp_split_to_table(
            regexp_replace(named.name, '(.)(@|%40).*$', '\1'), '[\u0001-/:-@\[-`{-\u007f]+'
        ) AS word (word)
        WHERE word.word <> ''
        ORDER BY length(word.word) DESC
        LIMIT 1
    ) AS longest
)
SELECT DISTINCT word_of_text.text
FROM word_of_text
JOIN word_of_name USING (word)
WHERE strpos(lower(word_of_text.text COLLATE "C"), word_of_name.name) > 0
