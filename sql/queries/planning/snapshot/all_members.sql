-- Purpose: the snapshot with the rows that were taken out of it, for what has to know of everybody.
-- Rows: those of snapshot_member.
SELECT snapshot_member.* FROM snapshot_member
UNION ALL
SELECT suppressed_member.* FROM suppressed_member
