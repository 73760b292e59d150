-- Purpose: the members that cannot be sent now.
-- Parameters: limit.
-- Rows: destination, audience, user_id, email, reason, since.
SELECT v.destination, v.audience, v.user_id, v.email, v.reason, v.since
FROM skipped_members AS v
ORDER BY v.since DESC, v.destination, v.audience, v.user_id, v.email
LIMIT %(limit)s
