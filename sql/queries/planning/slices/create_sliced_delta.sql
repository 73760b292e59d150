-- Purpose: creates the table of what comes after the first slice, by slice.
-- Rows: none.
CREATE TEMPORARY TABLE sliced_delta (LIKE later_delta INCLUDING DEFAULTS, slice integer NOT NULL)
PARTITION BY LIST (slice)
