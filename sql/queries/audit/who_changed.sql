-- Purpose: lists the latest changes of these contacts.
-- Parameters: contacts, limit.
-- Rows: run_id, destination, audience, contact, user_id, op, value, status, failure_reason, attempted_at.
SELECT run_id, destination, audience, contact, user_id, op, value, status, failure_reason, attempted_at
FROM sync_changelog
WHERE contact = ANY (%(contacts)s::text[])
ORDER BY run_id DESC, destination, contact, audience, user_id
LIMIT %(limit)s
