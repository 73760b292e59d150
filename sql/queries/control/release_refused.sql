-- Purpose: contacts that were refused are tried by the next run, and their backoff begins anew.
-- Parameters: who (contacts and user ids; null: all).
-- Rows: none.
UPDATE refused_contact
SET tries = 0, next_try_run_id = 0
WHERE %(who)s::text[] IS NULL
    OR refused_contact.user_id = ANY (%(who)s::text[])
    OR refused_contact.contact IN (SELECT contact_of(given.name) FROM unnest(%(who)s::text[]) AS given (name))
