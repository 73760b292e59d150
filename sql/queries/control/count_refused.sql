-- Purpose: how many contacts each destination refuses, of some people or of all.
-- Parameters: who (contacts and user ids; null: all).
-- Rows: destination, contacts, parked (tried no more).
SELECT
    destination.name AS destination,
    count(*) AS contacts,
    count(*) FILTER (WHERE refused_contact.next_try_run_id IS NULL) AS parked
FROM refused_contact
JOIN destination USING (destination_id)
WHERE %(who)s::text[] IS NULL
    OR refused_contact.user_id = ANY (%(who)s::text[])
    OR refused_contact.contact IN (SELECT contact_of(given.name) FROM unnest(%(who)s::text[]) AS given (name))
GROUP BY destination.name
ORDER BY destination.name
