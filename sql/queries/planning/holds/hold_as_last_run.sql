-- Purpose: makes the changes wait that the last run left held: for a plan of some people, whom the guard cannot judge
-- by counting them. What a retired audience's members are told is held no more.
-- Parameters: destination_id.
-- Rows: none.
UPDATE contact_change
SET waits = 'held'
FROM held_change
JOIN plan_audience ON plan_audience.audience_id = held_change.audience_id AND NOT plan_audience.retired
WHERE held_change.destination_id = %(destination_id)s
    AND held_change.audience_id = contact_change.audience_id
    AND held_change.contact = contact_change.contact
    AND held_change.op = contact_change.op
    AND held_change.approved_at IS NULL
    AND held_change.rolls_back_run_id = 0
    AND contact_change.waits IS NULL
    AND NOT EXISTS (SELECT FROM suppressed_contact WHERE suppressed_contact.contact = contact_change.contact)
