-- Purpose: drops the differences that are divided.
-- Rows: none.
DROP TABLE later_delta
