-- Purpose: says how many different contacts the state has of this destination, if that was counted and still holds: no
-- other run may be delivering.
-- Parameters: destination_id; run_id (the run that plans).
-- Rows: contacts; no row if the number is not known.
SELECT contact_count.contacts
FROM contact_count
WHERE contact_count.destination_id = %(destination_id)s
    AND NOT EXISTS (SELECT FROM run WHERE run.phase <> 'closed' AND run.run_id <> %(run_id)s)
