-- Purpose: says whether the state has the counts of some destination, so that only differences have to be counted.
-- Parameters: destination_ids; run_id (the run that plans).
-- Rows: one: found.
SELECT EXISTS (
    SELECT FROM contact_count WHERE contact_count.destination_id = ANY (%(destination_ids)s::integer[])
) AND NOT EXISTS (
    SELECT FROM run WHERE run.phase <> 'closed' AND run.run_id <> %(run_id)s
) AS found
