-- Purpose: audiences that are known by their property, or were never told, take their present names and properties.
-- Parameters: audience_id, name, property (parallel arrays).
-- Rows: none.
UPDATE audience
SET name = given.name, property = given.property
FROM unnest(%(audience_id)s::integer[], %(name)s::text[], %(property)s::text[]) AS given (audience_id, name, property)
WHERE audience.audience_id = given.audience_id
    AND (audience.name, audience.property) IS DISTINCT FROM (given.name, given.property)
