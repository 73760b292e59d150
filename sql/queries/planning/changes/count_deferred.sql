-- Purpose: how many contacts wait for the next run, because this one could not tell them before that is due.
-- Rows: one: contacts.
SELECT count(DISTINCT c.contact) AS contacts
FROM contact_change AS c
WHERE c.waits = 'deferred'
