-- Purpose: the destinations of a run where it is not known how many contacts they have, and a plan may want it: not
-- those that have only a part.
-- Parameters: run_id.
-- Rows: destination_id.
SELECT run_destination.destination_id
FROM run_destination
JOIN run ON run.run_id = run_destination.run_id AND run.phase = 'planned'
WHERE run_destination.run_id = %(run_id)s
    AND run_destination.reach_hashes IS NULL
    AND run_destination.rollout IS NULL
    AND NOT EXISTS (
        SELECT FROM contact_count WHERE contact_count.destination_id = run_destination.destination_id
    )
