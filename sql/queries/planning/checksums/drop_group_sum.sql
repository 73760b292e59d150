-- Purpose: drops what was added up by group, once it is gathered.
-- Rows: none.
DROP TABLE group_sum
