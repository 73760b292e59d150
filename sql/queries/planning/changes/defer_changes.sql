-- Purpose: of the last class (backfills, reassertions, retirements), leaves to the next run what cannot be told before
-- that is due; at least one page of it stays. The next run plans it afresh. A call that follows another one, or is
-- followed by one, stays: they belong together. order_identifies lists the classes of urgency.
-- Parameters: destination_id, at_most (identifies, of every class), page_size, per_audience.
-- Rows: none.
WITH identify AS (
    SELECT
        contact_change.contact,
        min(urgency_of(contact_change.op, contact_change.initial, plan_audience.retired)) >= 3 AS may_wait,
        greatest(
            min(urgency_of(contact_change.op, contact_change.initial, plan_audience.retired)),
            max(contact_change.earliest_urgency),
            max(CASE WHEN unanswered_contact.runs >= 2 THEN 5 END) -- those that did not answer
        ) AS urgency,
        CASE WHEN %(per_audience)s THEN count(*) ELSE 1 END AS calls
    FROM contact_change
    JOIN plan_audience USING (audience_id)
    LEFT JOIN unanswered_contact
        ON unanswered_contact.destination_id = %(destination_id)s
        AND unanswered_contact.contact = contact_change.contact
    WHERE contact_change.op <> 'covered' AND contact_change.waits IS NULL
    GROUP BY contact_change.contact
),
placed AS (
    SELECT
        identify.contact,
        identify.may_wait,
        sum(identify.calls) OVER (ORDER BY identify.may_wait, identify.urgency, identify.contact) AS place,
        sum(identify.calls) FILTER (WHERE NOT identify.may_wait) OVER () AS urgent
    FROM identify
)
UPDATE contact_change
SET waits = 'deferred'
FROM placed
WHERE placed.may_wait
    AND placed.place > greatest(%(at_most)s, coalesce(placed.urgent, 0) + %(page_size)s)
    -- What is uncertain is told in the next run, whatever it is.
    AND NOT EXISTS (
        SELECT FROM uncertain
        WHERE uncertain.destination_id = %(destination_id)s AND uncertain.contact = placed.contact
    )
    AND NOT EXISTS (
        SELECT FROM follow_edge
        WHERE follow_edge.contact = placed.contact OR follow_edge.after = placed.contact
    )
    AND contact_change.contact = placed.contact
    AND contact_change.op <> 'covered'
    AND contact_change.waits IS NULL
