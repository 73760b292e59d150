-- Purpose: puts a call that follows another one into a later class of urgency than that one has, which may itself
-- follow a third. It takes one step, and runs again until nothing moves. order_identifies lists the classes.
-- Parameters: destination_id.
-- Rows: contact, of those that moved.
WITH linked AS MATERIALIZED (
    SELECT
        contact_change.contact,
        greatest(
            min(urgency_of(contact_change.op, contact_change.initial, plan_audience.retired)),
            max(contact_change.earliest_urgency),
            max(CASE WHEN unanswered_contact.runs >= 2 THEN 5 END) -- those that did not answer
        ) AS urgency
    FROM contact_change
    JOIN plan_audience USING (audience_id)
    LEFT JOIN unanswered_contact
        ON unanswered_contact.destination_id = %(destination_id)s
        AND unanswered_contact.contact = contact_change.contact
    WHERE contact_change.op <> 'covered'
        AND contact_change.waits IS NULL
        AND contact_change.contact IN (
            SELECT follow_edge.contact FROM follow_edge
            UNION
            SELECT follow_edge.after FROM follow_edge
        )
    GROUP BY contact_change.contact
)
UPDATE contact_change
SET earliest_urgency = too_early.urgency + 1
FROM (
    SELECT follow_edge.contact, follow_edge.audience_id, max(before.urgency) AS urgency
    FROM follow_edge
    JOIN linked AS before ON before.contact = follow_edge.after
    JOIN linked AS follower ON follower.contact = follow_edge.contact
    WHERE follower.urgency <= before.urgency
    GROUP BY follow_edge.contact, follow_edge.audience_id
) AS too_early
WHERE contact_change.contact = too_early.contact
    AND contact_change.audience_id = too_early.audience_id
    AND contact_change.waits IS NULL
RETURNING contact_change.contact
