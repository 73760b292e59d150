-- Purpose: until the end of the transaction, nothing waits longer than this for a lock.
-- Parameters: limit (a text with its unit; 0: for ever).
-- Rows: none of interest.
SELECT set_config('lock_timeout', %(limit)s, true)
