-- Purpose: fills the first slice.
-- Parameters: first (the contact with which the second slice begins).
-- Rows: none; fills first_delta.
INSERT INTO first_delta
SELECT *
FROM later_delta
WHERE kind = 'skip' OR contact < %(first)s
