-- Purpose: skips the rows of people who are to be forgotten, for as long as the warehouse has them. Such a row names
-- nobody any more: a keyed hash stands for the person. Only rows that the state does not have can be meant, since it
-- has nothing of these people.
-- Rows: none; turns rows of member_delta into skips.
WITH person AS MATERIALIZED (
    SELECT forget_hash(installation.forget_key, named.name) AS hash, named.name
    FROM installation
    CROSS JOIN (
        SELECT member_delta.contact AS name
        FROM member_delta
        WHERE member_delta.kind IN ('gain', 'skip') AND member_delta.contact IS NOT NULL
        UNION
        SELECT member_delta.user_id
        FROM member_delta
        WHERE member_delta.kind IN ('gain', 'skip') AND member_delta.user_id IS NOT NULL
    ) AS named
),
to_forget AS (
    SELECT person.name, person.hash
    FROM person
    JOIN forgotten USING (hash)
)
UPDATE member_delta
SET kind = 'skip',
    reason = 'forgotten',
    audience = (
        SELECT plan_audience.name FROM plan_audience WHERE plan_audience.audience_id = member_delta.audience_id
    ),
    contact = NULL,
    email = NULL,
    user_id = 'forgotten ' || left(coalesce(by_contact.hash, by_user.hash), 32)
FROM member_delta AS same
LEFT JOIN to_forget AS by_contact ON by_contact.name = same.contact
LEFT JOIN to_forget AS by_user ON by_user.name = same.user_id
WHERE member_delta.ctid = same.ctid
    AND member_delta.kind IN ('gain', 'skip')
    AND coalesce(by_contact.hash, by_user.hash) IS NOT NULL
