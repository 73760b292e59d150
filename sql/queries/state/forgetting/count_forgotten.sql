-- Purpose: counts whom a forgetting is about.
-- Parameters: who.
-- Rows: one: contacts (the most that the state has at the destinations of one kind of contact), read_as_users (how many
-- of the given names have an @ and are read as user ids all the same).
SELECT
    (
        SELECT coalesce(max(counted.contacts), 0)
        FROM (
            SELECT count(DISTINCT forgotten_contact.contact) AS contacts
            FROM forgotten_contact
            JOIN known_person USING (destination_id, contact)
            JOIN destination USING (destination_id)
            GROUP BY destination.account ->> 'identity'
        ) AS counted
    ) AS contacts,
    (
        SELECT count(DISTINCT forgotten_user.name)
        FROM unnest(%(who)s::text[]) AS given (name)
        JOIN forgotten_user USING (name)
        WHERE strpos(given.name, '@') > 0
            AND NOT EXISTS (SELECT FROM forgotten_email WHERE forgotten_email.name = contact_of(given.name))
    ) AS read_as_users
