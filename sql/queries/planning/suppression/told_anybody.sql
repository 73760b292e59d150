-- Purpose: says whether some destination was told anything yet.
-- Rows: one: found.
SELECT EXISTS (SELECT FROM synced_member) AS found
