-- Purpose: forgetting changes the state beside any plan, so every audience is compared again.
-- Rows: none.
UPDATE run_count
SET fingerprint = NULL
WHERE fingerprint IS NOT NULL
