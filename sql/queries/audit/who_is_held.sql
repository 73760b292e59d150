-- Purpose: lists the changes of these contacts that wait for approval.
-- Parameters: contacts.
-- Rows: destination, audience, contact, op, reason, since, since_run_id, approved_at.
SELECT
    held_changes.destination,
    held_changes.audience,
    held_changes.contact,
    held_changes.op,
    held_changes.reason,
    held_changes.since,
    held_changes.since_run_id,
    held_changes.approved_at
FROM held_changes
WHERE held_changes.contact = ANY (%(contacts)s::text[])
ORDER BY held_changes.destination, held_changes.contact, held_changes.audience
