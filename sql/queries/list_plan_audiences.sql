-- Purpose: fills plan_audience for one destination.
-- Parameters: destination_id, audience_ids, names, properties (parallel arrays).
-- Rows: none.
INSERT INTO plan_audience (audience_id, name, property, initial)
SELECT
    listed.audience_id,
    listed.name,
    listed.property,
    NOT EXISTS (
        SELECT FROM initial_sync AS i
        WHERE i.destination_id = %(destination_id)s AND i.audience_id = listed.audience_id
    )
FROM unnest(%(audience_ids)s::integer[], %(names)s::text[], %(properties)s::text[])
    AS listed (audience_id, name, property)
