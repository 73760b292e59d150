-- Purpose: says of each audience what its groups add up to.
-- Rows: audience (null for rows that name none), rows, total.
SELECT group_sum.audience, sum(group_sum.rows)::bigint AS rows, sum(group_sum.total) AS total
FROM group_sum
GROUP BY group_sum.audience
