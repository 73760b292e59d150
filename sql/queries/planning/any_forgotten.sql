-- Purpose: says whether somebody is to be forgotten.
-- Rows: one: found.
SELECT EXISTS (SELECT FROM forgotten) AS found
