-- Purpose: an approved change that was accepted in this run is no hold any more.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
DELETE FROM held_change
WHERE held_change.approved_at IS NOT NULL
    AND EXISTS (SELECT FROM held_change AS approved WHERE approved.approved_at IS NOT NULL) -- asked once
    AND EXISTS (
        SELECT FROM accepted_change
        WHERE accepted_change.contact = held_change.contact
            AND accepted_change.run_id = %(run_id)s
            AND accepted_change.destination_id = held_change.destination_id
            AND accepted_change.audience_id = held_change.audience_id
            AND accepted_change.op = held_change.op
    )
