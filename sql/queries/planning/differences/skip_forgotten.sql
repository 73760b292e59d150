-- Purpose: who is to be forgotten is skipped for as long as the warehouse has them. Such a row names nobody any more:
-- a keyed hash stands for the person. Only rows that the state does not have: it has nothing of them.
-- Rows: none; turns rows of member_delta into skips.
WITH person AS MATERIALIZED (
    SELECT forget_hash(installation.forget_key, named.name) AS hash, named.name
    FROM installation
    CROSS JOIN (
        SELECT d.contact AS name FROM member_delta AS d WHERE d.kind IN ('gain', 'skip') AND d.contact IS NOT NULL
        UNION
        SELECT d.user_id FROM member_delta AS d WHERE d.kind IN ('gain', 'skip') AND d.user_id IS NOT NULL
    ) AS named
),
known AS (
    SELECT person.name, person.hash
    FROM person
    JOIN forgotten USING (hash)
)
UPDATE member_delta AS d
SET kind = 'skip',
    reason = 'forgotten',
    audience = (SELECT listed.name FROM plan_audience AS listed WHERE listed.audience_id = d.audience_id),
    contact = NULL,
    email = NULL,
    user_id = 'forgotten ' || left(coalesce(by_contact.hash, by_user.hash), 32)
FROM member_delta AS same
LEFT JOIN known AS by_contact ON by_contact.name = same.contact
LEFT JOIN known AS by_user ON by_user.name = same.user_id
WHERE d.ctid = same.ctid
    AND d.kind IN ('gain', 'skip')
    AND coalesce(by_contact.hash, by_user.hash) IS NOT NULL
