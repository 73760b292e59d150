-- Purpose: creates the private table for the rows that are taken out of the snapshot.
-- Rows: none.
CREATE TEMPORARY TABLE suppressed_member (LIKE snapshot_member) ON COMMIT PRESERVE ROWS
