-- Purpose: says of how many groups of users of each audience something differs.
-- Rows: audience_id, groups.
SELECT changed_group.audience_id, count(*) AS groups
FROM changed_group
GROUP BY changed_group.audience_id
