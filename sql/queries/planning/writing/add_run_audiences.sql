-- Purpose: adds the audiences of a run.
-- Parameters: run_id; position, audience_id, name, property, members (null: counted later), problem (parallel
-- arrays).
-- Rows: none.
INSERT INTO run_audience (run_id, position, audience_id, name, property, members, problem)
SELECT %(run_id)s, given.*
FROM unnest(
    %(position)s::integer[], %(audience_id)s::integer[], %(name)s::text[], %(property)s::text[], %(members)s::bigint[],
    %(problem)s::text[]
) AS given (position, audience_id, name, property, members, problem)
