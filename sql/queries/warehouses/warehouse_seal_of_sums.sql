-- Purpose: what the rows of a table add up to, as warehouse_seal says it, from the sums of all its groups.
-- Placeholders: sums, the statement that adds these up.
-- Rows: one: seal.
SELECT coalesce(summed.row_count, 0)::text || ' ' || coalesce(summed.total, 0)::text AS seal
FROM (
{sums}
) AS summed
