-- Purpose: lists what the plan that was just made would tell these contacts, or why that waits.
-- Parameters: contacts.
-- Rows: audience, property, contact, op, value, waits.
SELECT
    plan_audience.name AS audience,
    plan_audience.property,
    contact_change.contact,
    contact_change.op::text AS op,
    coalesce(
        contact_change.trait_value,
        CASE WHEN plan_audience.is_trait THEN 'null' ELSE to_jsonb(contact_change.value) END
    ) AS value,
    contact_change.waits
FROM contact_change
JOIN plan_audience USING (audience_id)
WHERE contact_change.contact = ANY (%(contacts)s::text[]) AND contact_change.op <> 'covered'
ORDER BY contact_change.contact, plan_audience.name
