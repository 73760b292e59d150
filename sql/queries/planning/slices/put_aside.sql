-- Purpose: puts the differences aside, once the first slice of them is written. They outlive the transaction.
-- Rows: none.
ALTER TABLE member_delta RENAME TO later_delta
