-- Purpose: removes the staged rows, before a snapshot is taken and once its plan is written.
-- Rows: none.
TRUNCATE snapshot_member
