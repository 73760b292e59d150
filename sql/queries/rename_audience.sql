-- Purpose: an audience that is known by its property, or was never told, takes its present name and property.
-- Parameters: audience_id, name, property.
-- Rows: none.
UPDATE audience
SET name = %(name)s, property = %(property)s
WHERE audience_id = %(audience_id)s
    AND (name, property) IS DISTINCT FROM (%(name)s::text, %(property)s::text)
