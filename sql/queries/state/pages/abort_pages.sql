-- Purpose: pages that were claimed and certainly not applied end as aborted. What no request was made of was not
-- attempted.
-- Parameters: run_id, destination_id, pages, requests, retries (parallel arrays).
-- Rows: page.
UPDATE sync_page
SET
    status = 'aborted',
    settled_at = clock_timestamp(),
    attempted_at = CASE WHEN given.requests > 0 THEN sync_page.attempted_at END,
    requests = given.requests,
    retries = given.retries
FROM unnest(%(pages)s::integer[], %(requests)s::integer[], %(retries)s::integer[])
    AS given (page, requests, retries)
WHERE sync_page.run_id = %(run_id)s
    AND sync_page.destination_id = %(destination_id)s
    AND sync_page.page = given.page
    AND sync_page.status = 'sending'
RETURNING sync_page.page
