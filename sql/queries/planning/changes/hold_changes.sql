-- Purpose: makes the changes wait that the guard holds, except those that were approved.
-- Parameters: destination_id; audience_id, op, initial (parallel arrays: what the guard holds).
-- Rows: none.
UPDATE contact_change
SET waits = 'held'
FROM unnest(%(audience_id)s::integer[], %(op)s::change_op[], %(initial)s::boolean[])
    AS held (audience_id, op, initial)
WHERE contact_change.audience_id = held.audience_id
    AND contact_change.waits IS NULL
    AND contact_change.op = held.op
    AND (contact_change.op = 'added' AND contact_change.initial) = held.initial
    AND NOT EXISTS (
        SELECT FROM held_change
        WHERE held_change.destination_id = %(destination_id)s
            AND held_change.audience_id = contact_change.audience_id
            AND held_change.contact = contact_change.contact
            AND held_change.op = contact_change.op
            AND held_change.approved_at IS NOT NULL
    )
