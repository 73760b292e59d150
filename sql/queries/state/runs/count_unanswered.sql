-- Purpose: contacts whose identifies ended unknown in this run: in how many runs in a row by now; in how many of them
-- the destination answered others; and how often it was alone then. A destination that answers nobody is down, and that
-- says nothing of a contact.
-- Parameters: run_id (of the run that is being closed, tallied).
-- Rows: none.
INSERT INTO unanswered_contact (destination_id, contact, runs, others, alone)
SELECT
    sync_exception.destination_id,
    sync_exception.contact,
    1,
    run_destination.answered::integer,
    (run_destination.answered AND bool_or(sync_exception.alone))::integer
FROM sync_exception
JOIN run_destination USING (run_id, destination_id)
WHERE sync_exception.run_id = %(run_id)s AND sync_exception.outcome = 'unknown'
GROUP BY sync_exception.destination_id, sync_exception.contact, run_destination.answered
ON CONFLICT (destination_id, contact) DO UPDATE
SET runs = unanswered_contact.runs + 1,
    others = unanswered_contact.others + excluded.others,
    alone = unanswered_contact.alone + excluded.alone
