-- Purpose: lists what the plan that was just made would tell these contacts, or why that waits. Whose profile still
-- says false, because the calls to their contact had to name another user, and will in the next run, is deferred.
-- Parameters: destination_id, contacts.
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
UNION ALL
SELECT DISTINCT
    plan_audience.name,
    plan_audience.property,
    member.contact,
    'reasserted',
    coalesce(member.value, 'true'),
    'deferred'
FROM user_told_false
JOIN plan_audience USING (audience_id)
JOIN synced_member AS member
    ON member.destination_id = user_told_false.destination_id
    AND member.user_id = user_told_false.user_id
    AND member.audience_id = user_told_false.audience_id
WHERE user_told_false.destination_id = %(destination_id)s
    AND user_told_false.is_back
    AND member.contact = ANY (%(contacts)s::text[])
    AND NOT EXISTS (
        SELECT FROM member_delta AS lost
        WHERE lost.kind = 'lose'
            AND NOT lost.still_named
            AND lost.contact = member.contact
            AND lost.audience_id = member.audience_id
            AND lost.user_id = member.user_id
    )
    AND NOT EXISTS (
        SELECT FROM contact_change
        WHERE contact_change.contact = member.contact
            AND contact_change.audience_id = member.audience_id
            AND contact_change.op <> 'covered'
    )
ORDER BY contact, audience
