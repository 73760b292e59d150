-- Purpose: lists which of these contacts were refused.
-- Parameters: contacts.
-- Rows: destination, contact, reason, http_status, since, tries, next_try_run_id (null: parked).
SELECT
    refused_contacts.destination,
    refused_contacts.contact,
    refused_contacts.reason,
    refused_contacts.http_status,
    refused_contacts.since,
    refused_contacts.tries,
    refused_contacts.next_try_run_id
FROM refused_contacts
WHERE refused_contacts.contact = ANY (%(contacts)s::text[])
ORDER BY refused_contacts.destination, refused_contacts.contact
