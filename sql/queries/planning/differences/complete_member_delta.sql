-- Purpose: rows that come later are not named by a skipped one, until name_skipped finds one.
-- Rows: none.
ALTER TABLE member_delta ALTER COLUMN named SET DEFAULT false
