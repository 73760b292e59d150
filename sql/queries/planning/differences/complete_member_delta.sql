-- Purpose: gives still_named the default that CREATE TABLE AS could not: no skipped row names what is added later,
-- until mark_still_named finds one that does.
-- Rows: none.
ALTER TABLE member_delta ALTER COLUMN still_named SET DEFAULT false
