-- Purpose: what the plan that was just made would tell some contacts, or why it waits.
-- Parameters: contacts.
-- Rows: audience, property, contact, op, value, waits.
SELECT listed.name AS audience, listed.property, c.contact, c.op::text AS op,
    coalesce(c.said, CASE WHEN listed.is_trait THEN 'null' ELSE to_jsonb(c.value) END) AS value, c.waits
FROM contact_change AS c
JOIN plan_audience AS listed USING (audience_id)
WHERE c.contact = ANY (%(contacts)s::text[]) AND c.op <> 'covered'
ORDER BY c.contact, listed.name
