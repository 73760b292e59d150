-- Purpose: what was given, read as user id, byte for byte: what has no @, and what has one if it is known as a user id
-- and is nobody's address. What stands for somebody already forgotten stays.
-- Parameters: who.
-- Rows: none; fills forgotten_user.
WITH given AS MATERIALIZED (
    SELECT DISTINCT asked.name COLLATE "C" AS name, strpos(asked.name, '@') > 0 AS may_be_email
    FROM unnest(%(who)s::text[]) AS asked (name)
    WHERE NOT is_token(asked.name)
),
known_user AS (
    SELECT given.name
    FROM given
    JOIN known_person ON known_person.user_id = given.name
    UNION
    SELECT given.name
    FROM given
    JOIN skipped_member ON skipped_member.user_id COLLATE "C" = left(given.name, 512)
    UNION
    SELECT given.name
    FROM given
    JOIN held_out ON held_out.user_id = given.name
    UNION
    SELECT given.name
    FROM given
    CROSS JOIN installation
    JOIN forgotten ON forgotten.hash = forget_hash(installation.forget_key, 'user_id', given.name)
),
known_email AS (
    SELECT given.name
    FROM given
    JOIN known_person ON known_person.contact = contact_of(given.name)
    JOIN destination USING (destination_id)
    WHERE destination.account ->> 'identity' = 'email'
    UNION
    SELECT given.name
    FROM given
    JOIN known_person ON known_person.email = contact_of(given.name)
    UNION
    SELECT given.name
    FROM given
    JOIN skipped_member ON contact_of(skipped_member.email) = contact_of(given.name)
    UNION
    SELECT given.name
    FROM given
    CROSS JOIN installation
    JOIN forgotten ON forgotten.hash = forget_hash(installation.forget_key, 'email', contact_of(given.name))
)
INSERT INTO forgotten_user (name)
SELECT given.name
FROM given
LEFT JOIN known_user USING (name)
LEFT JOIN known_email USING (name)
WHERE NOT given.may_be_email OR (known_user.name IS NOT NULL AND known_email.name IS NULL)
