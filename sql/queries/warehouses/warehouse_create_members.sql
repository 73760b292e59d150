-- Purpose: makes a private table for members, of the very texts that a snapshot has. They compare byte for byte.
-- Rows: none.
CREATE TEMPORARY TABLE syncer_members (
    audience pg_catalog.text COLLATE pg_catalog."C",
    user_id pg_catalog.text COLLATE pg_catalog."C",
    email pg_catalog.text COLLATE pg_catalog."C",
    unsendable pg_catalog.bool
) ON COMMIT DROP
