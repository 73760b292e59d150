-- Purpose: all rows that are about those who moved, then those that name no audience or no user, and for everybody who
-- moved one that says no more than that.
-- Placeholders: now.
-- Rows: audience, user_id, email, unsendable.
SELECT now.audience, now.user_id, now.email, now.unsendable
FROM {now} AS now
JOIN pg_temp.syncer_moved AS moved ON moved.audience = now.audience AND moved.user_id = now.user_id
UNION ALL
SELECT now.audience, now.user_id, now.email, now.unsendable
FROM {now} AS now
WHERE now.audience IS NULL OR now.user_id IS NULL
UNION ALL
SELECT moved.audience, moved.user_id, NULL, NULL
FROM pg_temp.syncer_moved AS moved
