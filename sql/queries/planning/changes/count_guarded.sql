-- Purpose: what the guard has to judge at one destination, in contacts; what was approved, and what is told to everyone
-- of a retired audience, passes it. The additions of an initial sync are a row of their own.
-- Parameters: destination_id.
-- Rows: audience_id, name, vanished, initial, removed, added.
SELECT
    listed.audience_id,
    listed.name,
    listed.vanished,
    (c.op = 'added' AND c.initial) AS initial,
    count(*) FILTER (WHERE c.op = 'removed') AS removed,
    count(*) FILTER (WHERE c.op = 'added') AS added
FROM contact_change AS c
JOIN plan_audience AS listed USING (audience_id)
WHERE c.op IN ('removed', 'added')
    AND NOT listed.retired
    AND NOT EXISTS (
        SELECT FROM held_change AS h
        WHERE h.destination_id = %(destination_id)s
            AND h.audience_id = c.audience_id
            AND h.contact = c.contact
            AND h.op = c.op
            AND h.approved_at IS NOT NULL
    )
GROUP BY listed.audience_id, listed.name, listed.vanished, (c.op = 'added' AND c.initial)
ORDER BY listed.audience_id
