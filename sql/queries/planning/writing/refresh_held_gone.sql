-- Purpose: removes the changes that the guard holds no longer, or that are no longer wanted. An approved change stays
-- until it is accepted. For what a rollback holds see refresh_rollbacks_gone.
-- Parameters: destination_id.
-- Rows: none.
DELETE FROM held_change
WHERE held_change.destination_id = %(destination_id)s
    AND held_change.rolls_back_run_id = 0
    AND held_change.audience_id IN (
        SELECT plan_audience.audience_id FROM plan_audience WHERE NOT plan_audience.resting
    )
    AND NOT EXISTS (
        SELECT FROM contact_change
        WHERE contact_change.contact = held_change.contact
            AND contact_change.audience_id = held_change.audience_id
            AND contact_change.op = held_change.op
            AND (contact_change.waits = 'held' OR held_change.approved_at IS NOT NULL)
    )
