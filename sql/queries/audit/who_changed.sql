-- Purpose: the latest changes of some contacts.
-- Parameters: contacts, limit.
-- Rows: run_id, destination, audience, contact, user_id, op, value, status, failure_reason, attempted_at.
SELECT v.run_id, v.destination, v.audience, v.contact, v.user_id, v.op, v.value, v.status, v.failure_reason,
    v.attempted_at
FROM sync_changelog AS v
WHERE v.contact = ANY (%(contacts)s::text[])
ORDER BY v.run_id DESC, v.destination, v.contact, v.audience, v.user_id
LIMIT %(limit)s
