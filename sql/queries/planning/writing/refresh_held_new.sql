-- Purpose: adds the changes that are held from now on. Those that were held before are not written again.
-- Parameters: run_id, destination_id; audience_id, op, initial, reason (parallel arrays: what the guard holds, and
-- why).
-- Rows: none.
INSERT INTO held_change (destination_id, audience_id, contact, user_id, email, op, reason, since, since_run_id)
SELECT
    %(destination_id)s,
    contact_change.audience_id,
    contact_change.contact,
    caller.user_id,
    caller.email,
    contact_change.op,
    held.reason,
    now(),
    %(run_id)s
FROM contact_change
JOIN unnest(%(audience_id)s::integer[], %(op)s::change_op[], %(initial)s::boolean[], %(reason)s::text[])
    AS held (audience_id, op, initial, reason)
    ON held.audience_id = contact_change.audience_id
    AND held.op = contact_change.op
    AND held.initial = (contact_change.op = 'added' AND contact_change.initial)
JOIN caller ON caller.contact = contact_change.contact
WHERE contact_change.waits = 'held'
-- Not by an anti-join: one that is planned for an empty table walks over every row that this statement adds to it.
ON CONFLICT (destination_id, audience_id, contact) DO NOTHING
