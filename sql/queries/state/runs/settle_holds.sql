-- Purpose: an approved change that was accepted in this run is no hold any more.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
DELETE FROM held_change AS h
WHERE h.approved_at IS NOT NULL
    AND EXISTS (SELECT FROM held_change AS approved WHERE approved.approved_at IS NOT NULL) -- asked once
    AND EXISTS (
        SELECT FROM sync_change AS c
        JOIN sync_page AS p
            ON p.run_id = c.run_id AND p.destination_id = c.destination_id AND p.page = c.page AND p.status = 'done'
        LEFT JOIN sync_exception AS e
            ON e.run_id = c.run_id AND e.destination_id = c.destination_id AND e.page = c.page
            AND e.contact = c.contact AND e.part = c.part
        WHERE c.contact = h.contact
            AND c.run_id = %(run_id)s
            AND c.destination_id = h.destination_id
            AND c.audience_id = h.audience_id
            AND c.op = h.op
            AND e.outcome IS NULL
    )
