-- Purpose: gathers the sums of each of these audiences, as they are kept: a group without rows has 0. Hardly any is.
-- Parameters: names, groups (parallel arrays: how many each has).
-- Rows: none; fills audience_sum.
INSERT INTO audience_sum (name, sums)
SELECT given.name, coalesce(filled.sums, group_sum.sums)
FROM unnest(%(names)s::text[], %(groups)s::integer[]) AS given (name, groups)
JOIN group_sum ON group_sum.audience = given.name COLLATE "C"
CROSS JOIN LATERAL (
    SELECT array_agg(coalesce(present.total, 0) ORDER BY place.number) AS sums
    FROM generate_series(0, given.groups - 1) AS place (number)
    LEFT JOIN (
        SELECT found.number, each.total
        FROM (
            SELECT number, row_number() OVER (ORDER BY number) AS nth
            FROM unnest(group_sum.places) AS number
        ) AS found
        JOIN unnest(group_sum.sums) WITH ORDINALITY AS each (total, nth) ON each.nth = found.nth
    ) AS present ON present.number = place.number
    WHERE cardinality(group_sum.sums) < given.groups
) AS filled
