-- Purpose: gives the disk back that the private table of members takes, before there is more to be written.
-- Rows: none.
TRUNCATE pg_temp.syncer_members
