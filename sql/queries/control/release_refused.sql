-- Purpose: contacts that were refused are tried by the next run, and their backoff begins anew.
-- Parameters: who (contacts and user ids; null: everybody).
-- Rows: none.
UPDATE refused_contact AS r
SET tries = 0, next_try_run_id = 0
WHERE %(who)s::text[] IS NULL
    OR r.user_id = ANY (%(who)s::text[])
    OR r.contact IN (SELECT contact_of(given.name) FROM unnest(%(who)s::text[]) AS given (name))
