-- Purpose: an approved change that was accepted in this run is no hold any more.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
DELETE FROM held_change AS h
WHERE h.approved_at IS NOT NULL
    AND EXISTS (SELECT FROM held_change AS approved WHERE approved.approved_at IS NOT NULL) -- asked once
    AND EXISTS (
        SELECT FROM accepted_change AS c
        WHERE c.contact = h.contact
            AND c.run_id = %(run_id)s
            AND c.destination_id = h.destination_id
            AND c.audience_id = h.audience_id
            AND c.op = h.op
    )
