-- Purpose: contacts whose identifies ended unknown in this run: in how many runs in a row by now, and how often alone.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
INSERT INTO unanswered_contact AS u (destination_id, contact, runs, alone)
SELECT e.destination_id, e.contact, 1, bool_or(e.alone)::integer
FROM sync_exception AS e
WHERE e.run_id = %(run_id)s AND e.outcome = 'unknown'
GROUP BY e.destination_id, e.contact
ON CONFLICT (destination_id, contact) DO UPDATE
SET runs = u.runs + 1, alone = u.alone + excluded.alone
