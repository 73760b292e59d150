-- Purpose: says whether this server takes no writes now: a standby, or one that is not promoted yet.
-- Rows: one: read_only.
SELECT current_setting('transaction_read_only')::boolean AS read_only
