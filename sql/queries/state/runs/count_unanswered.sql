-- Purpose: contacts whose identifies ended unknown in this run: in how many runs in a row by now, and how often alone.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
INSERT INTO unanswered_contact (destination_id, contact, runs, alone)
SELECT sync_exception.destination_id, sync_exception.contact, 1, bool_or(sync_exception.alone)::integer
FROM sync_exception
WHERE sync_exception.run_id = %(run_id)s AND sync_exception.outcome = 'unknown'
GROUP BY sync_exception.destination_id, sync_exception.contact
ON CONFLICT (destination_id, contact) DO UPDATE
SET runs = unanswered_contact.runs + 1, alone = unanswered_contact.alone + excluded.alone
