-- Purpose: whoever waits for a lock makes everybody wait who comes after; better to come back later.
-- Rows: none.
SET LOCAL lock_timeout = '2s'
