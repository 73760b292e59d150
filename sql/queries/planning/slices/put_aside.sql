-- Purpose: puts the differences aside, of which a slice is planned at a time. They outlive the transaction.
-- Rows: none.
ALTER TABLE member_delta RENAME TO later_delta
