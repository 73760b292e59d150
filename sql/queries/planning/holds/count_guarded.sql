-- Purpose: counts what the guard has to judge at one destination, in contacts. What has passed the guard once is not
-- judged again, nor is what a retired audience's members are told, or whoever is suppressed. The additions of an
-- initial sync have a row of their own.
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
    AND NOT EXISTS (SELECT FROM suppressed_contact WHERE suppressed_contact.contact = contact_change.contact)
    AND NOT EXISTS (
        SELECT FROM passed_change
        WHERE passed_change.destination_id = %(destination_id)s
            AND passed_change.audience_id = contact_change.audience_id
            AND passed_change.contact = contact_change.contact
            AND passed_change.op = contact_change.op
    )
GROUP BY
    plan_audience.audience_id,
    plan_audience.name,
    plan_audience.vanished,
    (contact_change.op = 'added' AND contact_change.initial)
ORDER BY plan_audience.audience_id
