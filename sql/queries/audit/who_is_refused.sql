-- Purpose: lists which of these contacts were refused.
-- Parameters: contacts.
-- Rows: destination, contact, reason, http_status, since, tries, next_try_run_id (null: parked).
SELECT destination, contact, reason, http_status, since, tries, next_try_run_id
FROM refused_contacts
WHERE contact = ANY (%(contacts)s::text[])
ORDER BY destination, contact
