-- Purpose: the contacts that a run's destinations refused, first ones first.
-- Parameters: run_id, limit.
-- Rows: destination, contact, user_id, reason, http_status.
SELECT DISTINCT destination, contact, user_id, failure_reason AS reason, http_status
FROM sync_changelog
WHERE run_id = %(run_id)s AND status = 'failed'
ORDER BY destination, contact
LIMIT %(limit)s
