-- Purpose: what commands asked of a daemon loses the names of people who are being forgotten: somebody gave one for an
-- audience, and was answered that there is none of that name.
-- Parameters: words (that stand in place of such an answer).
-- Rows: none.
UPDATE request
SET audiences = nameless.audiences, problems = nameless.problems
FROM request AS same
CROSS JOIN LATERAL (
    SELECT
        array_agg(coalesce(forgotten_user.token, forgotten_email.token, asked.name) ORDER BY asked.place) AS audiences,
        count(coalesce(forgotten_user.token, forgotten_email.token)) AS names
    FROM unnest(same.audiences) WITH ORDINALITY AS asked (name, place)
    LEFT JOIN forgotten_user ON forgotten_user.name = asked.name COLLATE "C"
    LEFT JOIN forgotten_email ON forgotten_email.name = contact_of(asked.name) COLLATE "C"
) AS asked
CROSS JOIN LATERAL (
    SELECT
        jsonb_agg(
            CASE WHEN forgotten_text.text IS NULL THEN said.problem ELSE %(words)s END
            ORDER BY said.place
        ) AS problems,
        count(forgotten_text.text) AS names
    FROM jsonb_array_elements_text(same.problems) WITH ORDINALITY AS said (problem, place)
    LEFT JOIN forgotten_text ON forgotten_text.text = said.problem
) AS answered
CROSS JOIN LATERAL (
    SELECT
        coalesce(asked.audiences, same.audiences) AS audiences,
        coalesce(answered.problems, same.problems) AS problems
) AS nameless
WHERE request.request_id = same.request_id AND asked.names + answered.names > 0
