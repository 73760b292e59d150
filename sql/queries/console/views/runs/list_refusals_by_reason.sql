-- Purpose: why calls were refused in a run, in the destinations' words, with some of the contacts each. Looks at no
-- more calls than `most` of each destination.
-- Parameters: run_id, samples, most.
-- Rows: destination, reason, http_status, calls, examples.
SELECT
    destination.name AS destination,
    refused.reason,
    refused.http_status,
    count(*) AS calls,
    (array_agg(refused.contact))[:%(samples)s] AS examples
FROM run_destination
JOIN destination USING (destination_id)
CROSS JOIN LATERAL (
    SELECT sync_exception.reason, sync_exception.http_status, sync_exception.contact
    FROM sync_exception
    WHERE sync_exception.run_id = run_destination.run_id
        AND sync_exception.destination_id = run_destination.destination_id
        AND sync_exception.outcome = 'failed'
    LIMIT %(most)s
) AS refused
WHERE run_destination.run_id = %(run_id)s
GROUP BY destination.name, refused.reason, refused.http_status
ORDER BY destination.name, calls DESC, refused.reason
LIMIT 100
