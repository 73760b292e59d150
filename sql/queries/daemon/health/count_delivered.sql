-- Purpose: how all identifies of all runs ended, by destination. Runs and their counts are never dropped, so these
-- numbers only grow.
-- Rows: name, succeeded, failed, unknown, aborted, requests, retries.
SELECT destination.name, sum(d.succeeded)::bigint AS succeeded, sum(d.failed)::bigint AS failed,
    sum(d.unknown)::bigint AS unknown, sum(d.aborted)::bigint AS aborted, sum(d.requests)::bigint AS requests,
    sum(d.retries)::bigint AS retries
FROM run_destination AS d
JOIN destination USING (destination_id)
GROUP BY destination.name
