-- Purpose: how many different contacts this destination has, if that was counted and nothing has moved since.
-- Parameters: destination_id; run_id (the run that plans: any other that is open may be delivering).
-- Rows: contacts; none if it is not known.
SELECT told.contacts
FROM contact_count AS told
WHERE told.destination_id = %(destination_id)s
    AND NOT EXISTS (SELECT FROM run WHERE run.phase <> 'closed' AND run.run_id <> %(run_id)s)
