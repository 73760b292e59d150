-- Purpose: why contacts were refused in a run, in the destinations' words, with a few of those contacts each.
-- Parameters: run_id, samples.
-- Rows: destination, reason, http_status, contacts, examples.
SELECT
    destination.name AS destination,
    refused.reason,
    refused.http_status,
    count(*) AS contacts,
    (array_agg(refused.contact ORDER BY refused.contact))[:%(samples)s] AS examples
FROM (
    SELECT DISTINCT destination_id, contact, reason, http_status
    FROM sync_exception
    WHERE run_id = %(run_id)s AND outcome = 'failed'
) AS refused
JOIN destination USING (destination_id)
GROUP BY destination.name, refused.reason, refused.http_status
ORDER BY destination.name, contacts DESC, refused.reason
LIMIT 100
