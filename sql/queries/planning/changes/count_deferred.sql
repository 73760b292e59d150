-- Purpose: counts the contacts that wait for the next run, because this one could not tell them before that is due.
-- Rows: one: contacts.
SELECT count(DISTINCT contact) AS contacts
FROM contact_change
WHERE waits = 'deferred'
