-- Purpose: lets the next process sync at once; the end of a session is noticed by the server only a moment later.
-- Parameters: token.
-- Rows: none.
DELETE FROM leader
WHERE leader.token = %(token)s
