-- Purpose: the differences of state and warehouse at one destination, first ones first.
-- Parameters: destination_id, limit.
-- Rows: why (missing: the warehouse has it and the destination was not told; lingering: the other way round;
-- outdated: it was told another value, email or trait),
-- audience, property, contact.
SELECT pending.why, listed.name AS audience, listed.property, pending.contact
FROM (
    SELECT why_pending(%(destination_id)s, c.contact, c.audience_id, c.op, c.waits) AS why, c.contact, c.audience_id
    FROM contact_change AS c
) AS pending
JOIN plan_audience AS listed USING (audience_id)
WHERE pending.why IN ('missing', 'lingering', 'outdated')
ORDER BY pending.contact, listed.name
LIMIT %(limit)s
