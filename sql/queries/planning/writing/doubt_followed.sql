-- Purpose: a contact that is told again only because another contact's false names its user is in doubt from the
-- moment that the false may leave: if its own call does not, the next run makes it.
-- Parameters: run_id, destination_id.
-- Rows: none.
INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id)
SELECT %(destination_id)s, c.audience_id, %(run_id)s, c.contact, caller.user_id
FROM contact_change AS c
JOIN caller ON caller.contact = c.contact
WHERE c.follows > 0 AND c.op = 'reasserted'
ON CONFLICT (destination_id, contact, audience_id) DO NOTHING
