-- Purpose: lists the audiences that rows of whoever is suppressed name, which were taken out of the snapshot.
-- Rows: audience.
SELECT DISTINCT suppressed_member.audience
FROM suppressed_member
WHERE suppressed_member.audience IS NOT NULL
