-- Purpose: the users who have one of these addresses, or had it. A user id of more contacts than a limit is no
-- identity: whoever shares it is somebody else.
-- Parameters: max_contacts.
-- Rows: none; fills forgotten_user.
WITH seen AS MATERIALIZED (
    SELECT known_person.user_id
    FROM forgotten_email
    JOIN known_person ON known_person.contact = forgotten_email.name
    JOIN destination USING (destination_id)
    WHERE destination.account ->> 'identity' = 'email'
    UNION
    SELECT known_person.user_id
    FROM forgotten_email
    JOIN known_person ON known_person.email = forgotten_email.name
)
INSERT INTO forgotten_user (name)
SELECT seen.user_id
FROM seen
JOIN known_person USING (user_id)
WHERE NOT is_token(seen.user_id)
GROUP BY seen.user_id
HAVING count(DISTINCT known_person.contact) <= %(max_contacts)s
ON CONFLICT (name) DO NOTHING
