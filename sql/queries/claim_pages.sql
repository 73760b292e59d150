-- Purpose: durably marks pages as being sent, before a byte of them is. Additions wait until all removals are
-- answered, so the caller names the pages; this claims those that nobody took, and only for the present leader.
-- Parameters: run_id, destination_id, pages, token (the leader's).
-- Rows: page.
UPDATE sync_page AS p
SET status = 'sending', attempted_at = clock_timestamp()
WHERE p.run_id = %(run_id)s
    AND p.destination_id = %(destination_id)s
    AND p.page = ANY(%(pages)s::integer[])
    AND p.status = 'planned'
    AND EXISTS (SELECT FROM leader WHERE leader.token = %(token)s)
RETURNING p.page
