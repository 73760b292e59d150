-- Purpose: the staged rows of an earlier plan of this session, and those of this one when it is written.
-- Rows: none.
TRUNCATE snapshot_member
