-- Purpose: what is held from now on enters the holds; what was held stays as it is, unwritten.
-- Parameters: run_id, destination_id; audience_id, op, initial, reason (parallel arrays: what the guard holds, why).
-- Rows: none.
INSERT INTO held_change (destination_id, audience_id, contact, user_id, op, reason, since, since_run_id)
SELECT %(destination_id)s, c.audience_id, c.contact, caller.user_id, c.op, held.reason, now(), %(run_id)s
FROM contact_change AS c
JOIN unnest(%(audience_id)s::integer[], %(op)s::change_op[], %(initial)s::boolean[], %(reason)s::text[])
    AS held (audience_id, op, initial, reason)
    ON held.audience_id = c.audience_id AND held.op = c.op AND held.initial = (c.op = 'added' AND c.initial)
JOIN caller ON caller.contact = c.contact
WHERE c.waits = 'held'
-- Not by an anti-join: one that is planned for an empty table walks over every row that this statement adds to it.
ON CONFLICT (destination_id, audience_id, contact) DO NOTHING
