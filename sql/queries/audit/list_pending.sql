-- Purpose: lists the differences of state and warehouse at one destination, by contact, after the plan that was just
-- made.
-- Parameters: destination_id, limit.
-- Rows: why (missing: the warehouse has it and the destination was not told; lingering: the destination was told and
-- the warehouse has it no more; outdated: the destination was told another value, email or trait), audience, property,
-- contact.
SELECT pending.why, plan_audience.name AS audience, plan_audience.property, pending.contact
FROM (
    SELECT
        why_pending(
            %(destination_id)s,
            contact_change.contact,
            contact_change.audience_id,
            contact_change.op,
            contact_change.waits
        ) AS why,
        contact_change.contact,
        contact_change.audience_id
    FROM contact_change
) AS pending
JOIN plan_audience USING (audience_id)
WHERE pending.why IN ('missing', 'lingering', 'outdated')
ORDER BY pending.contact, plan_audience.name
LIMIT %(limit)s
