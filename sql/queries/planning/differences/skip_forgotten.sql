-- Purpose: skips the rows of people who are to be forgotten, for as long as the warehouse has them: known by their user
-- id, or by the address, which is the contact or goes along with it. Such a row names nobody any more: a keyed hash
-- stands for the person. Only rows that the state does not have can be meant, since it has nothing of these people.
-- Parameters: by_email (whether the contact is the address).
-- Rows: none; turns rows of member_delta into skips.
WITH named AS MATERIALIZED (
    SELECT
        member_delta.ctid AS place,
        member_delta.user_id,
        CASE
            WHEN %(by_email)s THEN coalesce(member_delta.contact, contact_of(member_delta.email))
            ELSE coalesce(contact_of(member_delta.email), profile.email)
        END AS address
    FROM member_delta
    LEFT JOIN profile ON profile.contact = member_delta.contact
    WHERE member_delta.kind IN ('gain', 'skip')
),
person AS MATERIALIZED (
    SELECT each.name, each.kind, forgotten.hash
    FROM (
        SELECT named.address AS name, 'email' AS kind FROM named
        UNION
        SELECT named.user_id, 'user_id' FROM named
    ) AS each
    CROSS JOIN installation
    JOIN forgotten ON forgotten.hash = forget_hash(installation.forget_key, each.kind, each.name)
)
UPDATE member_delta
SET kind = 'skip',
    reason = 'forgotten',
    audience = (
        SELECT plan_audience.name FROM plan_audience WHERE plan_audience.audience_id = member_delta.audience_id
    ),
    contact = NULL,
    email = NULL,
    user_id = 'forgotten ' || left(coalesce(by_email.hash, by_user.hash), 32)
FROM named
LEFT JOIN person AS by_email ON by_email.kind = 'email' AND by_email.name = named.address
LEFT JOIN person AS by_user ON by_user.kind = 'user_id' AND by_user.name = named.user_id
WHERE member_delta.ctid = named.place AND (by_email.hash IS NOT NULL OR by_user.hash IS NOT NULL)
