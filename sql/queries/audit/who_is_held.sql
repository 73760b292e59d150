-- Purpose: what waits for approval of some contacts.
-- Parameters: contacts.
-- Rows: destination, audience, contact, op, reason, since, since_run_id, approved_at.
SELECT v.destination, v.audience, v.contact, v.op, v.reason, v.since, v.since_run_id, v.approved_at
FROM held_changes AS v
WHERE v.contact = ANY (%(contacts)s::text[])
ORDER BY v.destination, v.contact, v.audience
