-- Purpose: the moment of this transaction's snapshot.
-- Rows: one: now.
SELECT now() AS now
