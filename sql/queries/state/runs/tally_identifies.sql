-- Purpose: how this run's identifies ended, by destination.
-- Parameters: run_id.
-- Rows: none; writes run_destination.
WITH excepted AS (
    SELECT
        e.destination_id,
        count(*) FILTER (WHERE e.outcome = 'failed') AS failed,
        count(*) FILTER (WHERE e.outcome = 'unknown') AS unknown,
        count(*) FILTER (WHERE e.outcome = 'aborted') AS aborted
    FROM sync_exception AS e
    WHERE e.run_id = %(run_id)s
    GROUP BY e.destination_id
),
paged AS (
    SELECT
        p.destination_id,
        coalesce(sum(p.identifies) FILTER (WHERE p.status = 'done'), 0) AS done,
        coalesce(sum(p.identifies) FILTER (WHERE p.status = 'aborted'), 0) AS aborted,
        sum(p.requests) AS requests,
        sum(p.retries) AS retries
    FROM sync_page AS p
    WHERE p.run_id = %(run_id)s
    GROUP BY p.destination_id
)
UPDATE run_destination AS d
SET succeeded = paged.done - coalesce(excepted.failed + excepted.unknown + excepted.aborted, 0),
    failed = coalesce(excepted.failed, 0),
    unknown = coalesce(excepted.unknown, 0),
    aborted = paged.aborted + coalesce(excepted.aborted, 0),
    requests = paged.requests,
    retries = paged.retries
FROM paged
LEFT JOIN excepted USING (destination_id)
WHERE d.run_id = %(run_id)s AND d.destination_id = paged.destination_id
