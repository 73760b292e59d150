-- Purpose: counts the users in an audience of whom something is left.
-- Rows: one: groups.
SELECT count(*) AS groups
FROM (SELECT DISTINCT audience, user_id FROM rest_group) AS left_over
