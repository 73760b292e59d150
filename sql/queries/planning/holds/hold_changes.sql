-- Purpose: makes the changes wait that the guard holds, except those that have passed it once, and those of whoever is
-- suppressed: the list of them is guarded by itself.
-- Parameters: destination_id; audience_id, op, initial (parallel arrays: what the guard holds).
-- Rows: none.
UPDATE contact_change
SET waits = 'held'
FROM unnest(%(audience_id)s::integer[], %(op)s::change_op[], %(initial)s::boolean[])
    AS held (audience_id, op, initial)
WHERE contact_change.audience_id = held.audience_id
    AND contact_change.waits IS NULL
    AND contact_change.op = held.op
    AND NOT EXISTS (SELECT FROM suppressed_contact WHERE suppressed_contact.contact = contact_change.contact)
    AND (contact_change.op = 'added' AND contact_change.initial) = held.initial
    AND NOT EXISTS (
        SELECT FROM passed_change
        WHERE passed_change.destination_id = %(destination_id)s
            AND passed_change.audience_id = contact_change.audience_id
            AND passed_change.contact = contact_change.contact
            AND passed_change.op = contact_change.op
    )
