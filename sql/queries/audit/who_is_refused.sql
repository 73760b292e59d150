-- Purpose: which of some contacts were refused.
-- Parameters: contacts.
-- Rows: destination, contact, reason, http_status, since, tries, next_try_run_id (null: parked).
SELECT v.destination, v.contact, v.reason, v.http_status, v.since, v.tries, v.next_try_run_id
FROM refused_contacts AS v
WHERE v.contact = ANY (%(contacts)s::text[])
ORDER BY v.destination, v.contact
