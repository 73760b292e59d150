-- Purpose: lists the changes of these contacts that wait for approval.
-- Parameters: contacts.
-- Rows: destination, audience, contact, op, reason, since, since_run_id, approved_at.
SELECT destination, audience, contact, op, reason, since, since_run_id, approved_at
FROM held_changes
WHERE contact = ANY (%(contacts)s::text[])
ORDER BY destination, contact, audience
