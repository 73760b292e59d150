-- Purpose: adds the audiences that are paused, and so are compared with nothing, but of which something is taken back.
-- Parameters: audience_ids, names, properties (parallel arrays).
-- Rows: none.
INSERT INTO plan_audience (
    audience_id, name, property, is_trait, keeps, reads, retired, contested, vanished, resting, initial, begun,
    due_before
)
SELECT given.audience_id, given.name, given.property, false, false, false, false, false, false, true, false, true, 0
FROM unnest(%(audience_ids)s::integer[], %(names)s::text[], %(properties)s::text[])
    AS given (audience_id, name, property)
