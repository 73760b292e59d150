-- Purpose: audiences that are known by their property, or were never told, take their present names and properties.
-- Whether one is a computed trait is fixed when it is first sent, too.
-- Parameters: audience_id, name, property, is_trait (parallel arrays).
-- Rows: none.
UPDATE audience
SET name = given.name,
    property = given.property,
    is_trait = CASE WHEN audience.pinned_run_id IS NULL THEN given.is_trait ELSE audience.is_trait END
FROM unnest(%(audience_id)s::integer[], %(name)s::text[], %(property)s::text[], %(is_trait)s::boolean[])
    AS given (audience_id, name, property, is_trait)
WHERE audience.audience_id = given.audience_id
    AND (audience.name, audience.property, audience.is_trait)
        IS DISTINCT FROM (given.name, given.property, given.is_trait)
