-- Purpose: the addresses that these users have, or had. Where the contact is the user id, an address that another user
-- has too is not theirs alone, and stays.
-- Rows: none; fills forgotten_email.
WITH seen AS MATERIALIZED (
    SELECT DISTINCT
        CASE WHEN known_person.email IS NULL THEN known_person.contact ELSE known_person.email END AS name,
        known_person.email IS NULL AS is_contact
    FROM forgotten_user
    JOIN known_person ON known_person.user_id = forgotten_user.name
    JOIN destination USING (destination_id)
    WHERE known_person.email IS NOT NULL OR destination.account ->> 'identity' = 'email'
),
shared AS (
    SELECT DISTINCT seen.name
    FROM seen
    JOIN known_person ON known_person.email = seen.name
    LEFT JOIN forgotten_user ON forgotten_user.name = known_person.user_id
    WHERE forgotten_user.name IS NULL AND NOT is_token(known_person.user_id)
)
INSERT INTO forgotten_email (name)
SELECT DISTINCT seen.name
FROM seen
LEFT JOIN shared USING (name)
WHERE NOT is_token(seen.name) AND (seen.is_contact OR shared.name IS NULL)
ON CONFLICT (name) DO NOTHING
