-- Purpose: of the names that were given, those that are no contact and no user id of a refused contact.
-- Parameters: who (contacts and user ids).
-- Rows: name.
SELECT given.name
FROM unnest(%(who)s::text[]) AS given (name)
WHERE NOT EXISTS (
    SELECT FROM refused_contact
    WHERE refused_contact.contact = contact_of(given.name) OR refused_contact.user_id = given.name
)
