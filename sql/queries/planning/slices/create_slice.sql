-- Purpose: creates the table of one slice.
-- Placeholders: slice (identifier), number (literal).
-- Rows: none.
CREATE TEMPORARY TABLE {slice} PARTITION OF sliced_delta FOR VALUES IN ({number})
