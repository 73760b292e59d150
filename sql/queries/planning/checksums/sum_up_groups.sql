-- Purpose: says of each audience what its groups add up to.
-- Rows: audience (null for rows that name none), rows, total.
SELECT group_sum.audience, group_sum.rows, group_sum.total
FROM group_sum
