-- Purpose: a session that waits for a lock makes every later one wait too; better to come back later.
-- Rows: none.
SET LOCAL lock_timeout = '2s'
