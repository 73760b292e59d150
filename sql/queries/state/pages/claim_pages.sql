-- Purpose: durably marks pages as being sent, before a byte of them is. Each class waits until the one before it is
-- answered, so the caller names the pages; this claims those that are neither taken nor paused, and only for the
-- present leader: the next one waits for this before it leads, so it finds either what was claimed, or nothing more is.
-- The pause of an audience does not stop what a rollback takes back, nor what has to be told after it (follow_moves),
-- which is uncertain until then.
-- Parameters: run_id, destination_id, pages, token (the leader's).
-- Rows: page.
UPDATE sync_page
SET status = 'sending', attempted_at = clock_timestamp()
WHERE sync_page.run_id = %(run_id)s
    AND sync_page.destination_id = %(destination_id)s
    AND sync_page.page = ANY(%(pages)s::integer[])
    AND sync_page.status = 'planned'
    AND EXISTS (SELECT FROM leader WHERE leader.token = %(token)s FOR SHARE)
    AND NOT EXISTS (
        SELECT FROM pause
        WHERE (pause.destination_id IS NULL OR pause.destination_id = sync_page.destination_id)
            AND (
                pause.audience_id IS NULL
                OR EXISTS (
                    SELECT FROM sync_change
                    WHERE sync_change.run_id = sync_page.run_id
                        AND sync_change.destination_id = sync_page.destination_id
                        AND sync_change.page = sync_page.page
                        AND sync_change.audience_id = pause.audience_id
                        AND NOT EXISTS (
                            SELECT FROM approved_rollback
                            WHERE approved_rollback.destination_id = sync_change.destination_id
                                AND approved_rollback.audience_id = sync_change.audience_id
                                AND approved_rollback.contact = sync_change.contact
                            OFFSET 0 -- looked up for these contacts: a join would read all of them for every page
                        )
                        AND NOT (
                            sync_change.op = 'reasserted'
                            AND EXISTS (
                                SELECT FROM uncertain
                                WHERE uncertain.destination_id = sync_change.destination_id
                                    AND uncertain.contact = sync_change.contact
                                    AND uncertain.audience_id = sync_change.audience_id
                                OFFSET 0
                            )
                            AND EXISTS (
                                SELECT FROM approved_rollback
                                WHERE approved_rollback.destination_id = sync_change.destination_id
                                    AND approved_rollback.audience_id = sync_change.audience_id
                            )
                        )
                )
            )
    )
RETURNING sync_page.page
