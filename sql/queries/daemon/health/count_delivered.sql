-- Purpose: how all identifies of all runs ended, by destination. Runs and their counts are never dropped, so these
-- numbers only grow.
-- Rows: name, succeeded, failed, unknown, aborted, requests, retries.
SELECT
    destination.name,
    sum(run_destination.succeeded)::bigint AS succeeded,
    sum(run_destination.failed)::bigint AS failed,
    sum(run_destination.unknown)::bigint AS unknown,
    sum(run_destination.aborted)::bigint AS aborted,
    sum(run_destination.requests)::bigint AS requests,
    sum(run_destination.retries)::bigint AS retries
FROM run_destination
JOIN destination USING (destination_id)
GROUP BY destination.name
