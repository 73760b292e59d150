-- Purpose: makes a slice the differences that are planned.
-- Placeholders: slice (identifier).
-- Rows: none.
ALTER TABLE {slice} RENAME TO member_delta
