-- Purpose: counts what the guard has to judge at one destination, in contacts. What was approved passes the guard, and
-- so does what a retired audience's members are told. The additions of an initial sync have a row of their own.
-- Parameters: destination_id.
-- Rows: audience_id, name, vanished, initial, removed, added.
SELECT
    plan_audience.audience_id,
    plan_audience.name,
    plan_audience.vanished,
    (contact_change.op = 'added' AND contact_change.initial) AS initial,
    count(*) FILTER (WHERE contact_change.op = 'removed') AS removed,
    count(*) FILTER (WHERE contact_change.op = 'added') AS added
FROM contact_change
JOIN plan_audience USING (audience_id)
WHERE contact_change.op IN ('removed', 'added')
    AND contact_change.waits IS NULL
    AND NOT plan_audience.retired
    AND NOT EXISTS (
        SELECT FROM held_change
        WHERE held_change.destination_id = %(destination_id)s
            AND held_change.audience_id = contact_change.audience_id
            AND held_change.contact = contact_change.contact
            AND held_change.op = contact_change.op
            AND held_change.approved_at IS NOT NULL
    )
GROUP BY
    plan_audience.audience_id,
    plan_audience.name,
    plan_audience.vanished,
    (contact_change.op = 'added' AND contact_change.initial)
ORDER BY plan_audience.audience_id
