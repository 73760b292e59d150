-- Purpose: what the guard holds waits; those who were approved go.
-- Parameters: destination_id; audience_id, op, initial (parallel arrays).
-- Rows: none.
UPDATE contact_change AS c
SET waits = 'held'
FROM unnest(%(audience_id)s::integer[], %(op)s::change_op[], %(initial)s::boolean[])
    AS held (audience_id, op, initial)
WHERE c.audience_id = held.audience_id
    AND c.op = held.op
    AND (c.op = 'added' AND c.initial) = held.initial
    AND NOT EXISTS (
        SELECT FROM held_change AS h
        WHERE h.destination_id = %(destination_id)s
            AND h.audience_id = c.audience_id
            AND h.contact = c.contact
            AND h.op = c.op
            AND h.approved_at IS NOT NULL
    )
