-- Purpose: drops the differences of the destination that was planned before.
-- Rows: none.
DROP TABLE IF EXISTS member_delta
