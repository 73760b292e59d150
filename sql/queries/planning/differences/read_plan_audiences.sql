-- Purpose: the audiences of the plan that have to be compared, computed traits aside, as arrays: for a statement that may
-- read no temporary table. One that is unchanged need not be, unless something of it is due again.
-- Parameters: unchanged (audience ids).
-- Rows: one: audience_ids, names, reads, due_before (parallel arrays).
SELECT
    coalesce(array_agg(listed.audience_id ORDER BY listed.audience_id), '{}') AS audience_ids,
    coalesce(array_agg(listed.name ORDER BY listed.audience_id), '{}') AS names,
    coalesce(array_agg(listed.reads ORDER BY listed.audience_id), '{}') AS reads,
    coalesce(array_agg(listed.due_before ORDER BY listed.audience_id), '{}') AS due_before
FROM plan_audience AS listed
WHERE NOT listed.is_trait
    AND NOT (listed.audience_id = ANY (%(unchanged)s::integer[]) AND listed.reads AND listed.due_before IS NULL)
