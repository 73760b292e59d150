-- Purpose: new audiences get their keys, in their order.
-- Parameters: name, property, is_trait (parallel arrays).
-- Rows: audience_id, name.
INSERT INTO audience (name, property, is_trait)
SELECT given.name, given.property, given.is_trait
FROM unnest(%(name)s::text[], %(property)s::text[], %(is_trait)s::boolean[])
    WITH ORDINALITY AS given (name, property, is_trait, place)
ORDER BY given.place
RETURNING audience_id, name
