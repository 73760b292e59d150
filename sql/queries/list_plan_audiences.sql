-- Purpose: fills plan_audience for one destination.
-- Parameters: destination_id; audience_ids, names, properties, reads, retired, vanished (parallel arrays).
-- Rows: none.
INSERT INTO plan_audience (audience_id, name, property, reads, retired, vanished, initial, due_before)
SELECT
    listed.audience_id,
    listed.name,
    listed.property,
    listed.reads,
    listed.retired,
    listed.vanished,
    NOT EXISTS (
        SELECT FROM initial_sync AS i
        WHERE i.destination_id = %(destination_id)s AND i.audience_id = listed.audience_id
    ),
    (
        SELECT max(r.before_run_id)
        FROM resync AS r
        WHERE r.destination_id = %(destination_id)s
            AND (r.audience_id = listed.audience_id OR r.audience_id IS NULL)
    )
FROM unnest(
    %(audience_ids)s::integer[], %(names)s::text[], %(properties)s::text[],
    %(reads)s::boolean[], %(retired)s::boolean[], %(vanished)s::boolean[]
) AS listed (audience_id, name, property, reads, retired, vanished)
