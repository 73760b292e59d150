-- Purpose: how this run's identifies ended, by destination, and whether that answered anybody. A call that no request
-- could carry was refused by ourselves: it has no status.
-- Parameters: run_id.
-- Rows: none; writes run_destination.
WITH excepted AS (
    SELECT
        sync_exception.destination_id,
        count(*) FILTER (WHERE sync_exception.outcome = 'failed') AS failed,
        count(*) FILTER (WHERE sync_exception.outcome = 'unknown') AS unknown,
        count(*) FILTER (WHERE sync_exception.outcome = 'aborted') AS aborted,
        bool_or(sync_exception.outcome = 'failed' AND sync_exception.http_status IS NOT NULL) AS refused
    FROM sync_exception
    WHERE sync_exception.run_id = %(run_id)s
    GROUP BY sync_exception.destination_id
),
paged AS (
    SELECT
        sync_page.destination_id,
        coalesce(sum(sync_page.identifies) FILTER (WHERE sync_page.status = 'done'), 0) AS done,
        coalesce(sum(sync_page.identifies) FILTER (WHERE sync_page.status = 'aborted'), 0) AS aborted,
        sum(sync_page.requests) AS requests,
        sum(sync_page.retries) AS retries
    FROM sync_page
    WHERE sync_page.run_id = %(run_id)s
    GROUP BY sync_page.destination_id
)
UPDATE run_destination
SET succeeded = paged.done - coalesce(excepted.failed + excepted.unknown + excepted.aborted, 0),
    failed = coalesce(excepted.failed, 0),
    unknown = coalesce(excepted.unknown, 0),
    aborted = paged.aborted + coalesce(excepted.aborted, 0),
    requests = paged.requests,
    retries = paged.retries,
    answered = coalesce(excepted.refused, false)
        OR paged.done > coalesce(excepted.failed + excepted.unknown + excepted.aborted, 0)
FROM paged
LEFT JOIN excepted USING (destination_id)
WHERE run_destination.run_id = %(run_id)s AND run_destination.destination_id = paged.destination_id
