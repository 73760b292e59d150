-- Purpose: nobody waits for ever, and in silence, for a migration of somebody else, or for a lock that is none.
-- Rows: none.
SET LOCAL lock_timeout = '30s'
