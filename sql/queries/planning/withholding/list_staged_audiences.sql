-- Purpose: lists the audiences that the staged rows name.
-- Rows: audience.
SELECT DISTINCT snapshot_member.audience
FROM snapshot_member
WHERE snapshot_member.audience IS NOT NULL
