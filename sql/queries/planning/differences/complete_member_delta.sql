-- Purpose: gives still_named the default that CREATE TABLE AS could not: no skipped row names what is added later,
-- until mark_still_named finds one that does. Nor is anything of somebody who is suppressed until mark_suppressed says
-- so.
-- Rows: none.
ALTER TABLE member_delta
    ALTER COLUMN still_named SET DEFAULT false,
    ADD COLUMN suppressed boolean NOT NULL DEFAULT false
