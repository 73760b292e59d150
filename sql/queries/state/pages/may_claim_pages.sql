-- Purpose: why pages could not be claimed: nothing but a pause may be the reason.
-- Parameters: run_id, destination_id, pages, token (the leader's).
-- Rows: one: paused_only.
SELECT
    EXISTS (SELECT FROM leader WHERE leader.token = %(token)s)
    AND NOT EXISTS (
        SELECT FROM sync_page
        WHERE sync_page.run_id = %(run_id)s
            AND sync_page.destination_id = %(destination_id)s
            AND sync_page.page = ANY(%(pages)s::integer[])
            AND sync_page.status NOT IN ('planned', 'sending')
    ) AS paused_only
