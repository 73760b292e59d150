-- Purpose: puts the sums of each of these audiences side by side, as they are kept: a group without rows has 0.
-- Parameters: names, groups (parallel arrays: how many each has).
-- Rows: none; fills audience_sum.
INSERT INTO audience_sum (name, sums)
SELECT
    given.name,
    array_agg(mod(coalesce(group_sum.total, 0), 9223372036854775807)::bigint ORDER BY place.number)
FROM unnest(%(names)s::text[], %(groups)s::integer[]) AS given (name, groups)
CROSS JOIN LATERAL generate_series(0, given.groups - 1) AS place (number)
LEFT JOIN group_sum ON group_sum.audience = given.name COLLATE "C" AND group_sum.member_group = place.number
GROUP BY given.name
