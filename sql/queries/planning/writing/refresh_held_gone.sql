-- Purpose: what is no longer wanted, or no longer held, leaves the holds; an approved change stays until it is accepted.
-- Parameters: destination_id.
-- Rows: none.
DELETE FROM held_change AS h
WHERE h.destination_id = %(destination_id)s
    AND h.audience_id IN (SELECT listed.audience_id FROM plan_audience AS listed)
    AND NOT EXISTS (
        SELECT FROM contact_change AS c
        WHERE c.contact = h.contact
            AND c.audience_id = h.audience_id
            AND c.op = h.op
            AND (c.waits = 'held' OR h.approved_at IS NOT NULL)
    )
