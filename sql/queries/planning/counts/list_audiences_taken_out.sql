-- Purpose: lists the audiences that rows name which were taken out of the snapshot.
-- Rows: audience.
SELECT DISTINCT taken_out.audience
FROM taken_out
WHERE taken_out.audience IS NOT NULL
