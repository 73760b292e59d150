-- Purpose: lists whom a rollback leaves alone though they were told something else, and why.
-- Rows: destination, audience, contact, reason, moved_run_id.
SELECT
    destination.name AS destination,
    audience.name AS audience,
    rolled_back.contact,
    rolled_back.reason,
    rolled_back.moved_run_id
FROM rolled_back
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
WHERE rolled_back.reason NOT IN ('unchanged', 'refused')
ORDER BY destination.name, audience.name, rolled_back.contact
