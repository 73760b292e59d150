-- Purpose: durably marks pages as being sent, before a byte of them is. Each class waits until the one before it is
-- answered, so the caller names the pages; this claims those that nobody took and nobody paused, and only for the
-- present leader.
-- Parameters: run_id, destination_id, pages, token (the leader's).
-- Rows: page.
UPDATE sync_page AS p
SET status = 'sending', attempted_at = clock_timestamp()
WHERE p.run_id = %(run_id)s
    AND p.destination_id = %(destination_id)s
    AND p.page = ANY(%(pages)s::integer[])
    AND p.status = 'planned'
    AND EXISTS (SELECT FROM leader WHERE leader.token = %(token)s)
    AND NOT EXISTS (
        SELECT FROM pause AS q
        WHERE (q.destination_id IS NULL OR q.destination_id = p.destination_id)
            AND (
                q.audience_id IS NULL
                OR EXISTS (
                    SELECT FROM sync_change AS c
                    WHERE c.run_id = p.run_id
                        AND c.destination_id = p.destination_id
                        AND c.page = p.page
                        AND c.audience_id = q.audience_id
                )
            )
    )
RETURNING p.page
