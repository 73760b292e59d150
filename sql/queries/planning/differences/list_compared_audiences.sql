-- Purpose: lists the audiences of the plan that diff_members has to compare, as arrays, because it may read no
-- temporary table. Left out are computed traits, and audiences that did not change and of which nothing is due again.
-- Parameters: unchanged (audience ids).
-- Rows: one: audience_ids, names, reads, due_before (parallel arrays).
SELECT
    coalesce(array_agg(audience_id ORDER BY audience_id), '{}') AS audience_ids,
    coalesce(array_agg(name ORDER BY audience_id), '{}') AS names,
    coalesce(array_agg(reads ORDER BY audience_id), '{}') AS reads,
    coalesce(array_agg(due_before ORDER BY audience_id), '{}') AS due_before
FROM plan_audience
WHERE NOT is_trait
    AND NOT (
        audience_id = ANY (%(unchanged)s::integer[])
        AND reads
        AND due_before = 0
    )
