-- Purpose: how many names each list had when it was believed last.
-- Rows: list, entries.
SELECT suppression.list, suppression.entries
FROM suppression
