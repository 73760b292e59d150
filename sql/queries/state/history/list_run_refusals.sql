-- Purpose: the contacts that a run's destinations refused, first ones first.
-- Parameters: run_id, limit.
-- Rows: destination, contact, user_id, reason, http_status.
SELECT DISTINCT v.destination, v.contact, v.user_id, v.failure_reason AS reason, v.http_status
FROM sync_changelog AS v
WHERE v.run_id = %(run_id)s AND v.status = 'failed'
ORDER BY v.destination, v.contact
LIMIT %(limit)s
