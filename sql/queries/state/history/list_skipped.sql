-- Purpose: the members that cannot be sent now.
-- Parameters: limit.
-- Rows: destination, audience, user_id, email, reason, since.
SELECT destination, audience, user_id, email, reason, since
FROM skipped_members
ORDER BY since DESC, destination, audience, user_id, email
LIMIT %(limit)s
