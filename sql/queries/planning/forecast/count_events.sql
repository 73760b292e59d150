-- Purpose: counts the events that the plan that was just made brings about once its changes are accepted: those of
-- which the destination believes otherwise now. See settle_pages.
-- Parameters: destination_id, initial_events (of an initial sync too).
-- Rows: one: events.
SELECT count(*) AS events
FROM contact_change
JOIN plan_audience USING (audience_id)
WHERE contact_change.waits IS NULL
    AND NOT plan_audience.is_trait
    AND NOT plan_audience.retired
    AND (
        contact_change.op = 'removed'
        OR (contact_change.op = 'added' AND (%(initial_events)s OR NOT contact_change.initial))
    )
    AND (contact_change.op = 'removed') = EXISTS (
        SELECT FROM synced_member
        WHERE synced_member.destination_id = %(destination_id)s
            AND synced_member.contact = contact_change.contact
            AND synced_member.audience_id = contact_change.audience_id
    )
