-- Purpose: removes the held changes that are no longer wanted or no longer held. An approved change stays until it is
-- accepted.
-- Parameters: destination_id.
-- Rows: none.
DELETE FROM held_change
WHERE held_change.destination_id = %(destination_id)s
    AND held_change.audience_id IN (SELECT plan_audience.audience_id FROM plan_audience)
    AND NOT EXISTS (
        SELECT FROM contact_change
        WHERE contact_change.contact = held_change.contact
            AND contact_change.audience_id = held_change.audience_id
            AND contact_change.op = held_change.op
            AND (contact_change.waits = 'held' OR held_change.approved_at IS NOT NULL)
    )
