-- Purpose: makes the table of the differences of the first slice: with it go the rows that cannot be sent.
-- Rows: none.
CREATE TEMPORARY TABLE first_delta (LIKE later_delta INCLUDING DEFAULTS)
