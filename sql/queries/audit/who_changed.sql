-- Purpose: lists the latest changes of these contacts.
-- Parameters: contacts, limit.
-- Rows: run_id, destination, audience, contact, user_id, op, value, status, failure_reason, attempted_at.
SELECT
    sync_changelog.run_id,
    sync_changelog.destination,
    sync_changelog.audience,
    sync_changelog.contact,
    sync_changelog.user_id,
    sync_changelog.op,
    sync_changelog.value,
    sync_changelog.status,
    sync_changelog.failure_reason,
    sync_changelog.attempted_at
FROM sync_changelog
WHERE sync_changelog.contact = ANY (%(contacts)s::text[])
ORDER BY
    sync_changelog.run_id DESC,
    sync_changelog.destination,
    sync_changelog.contact,
    sync_changelog.audience,
    sync_changelog.user_id
LIMIT %(limit)s
