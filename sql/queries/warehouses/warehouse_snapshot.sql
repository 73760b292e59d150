-- Purpose: when the warehouse's transaction began. Being its first statement, it also takes the snapshot.
-- Rows: one: now.
SELECT now()
