-- Purpose: makes the contacts uncertain that are told something again only because they follow another contact's false
-- (see follow_moves). From the moment that the false may leave, the call must come: if this run does not make it, the
-- next one does.
-- Parameters: run_id, destination_id.
-- Rows: none.
INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id)
SELECT %(destination_id)s, contact_change.audience_id, %(run_id)s, contact_change.contact, caller.user_id
FROM contact_change
JOIN caller ON caller.contact = contact_change.contact
WHERE contact_change.earliest_urgency > 0 AND contact_change.op = 'reasserted'
ON CONFLICT (destination_id, contact, audience_id) DO NOTHING
