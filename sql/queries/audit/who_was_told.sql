-- Purpose: lists the last value of each property of these contacts that each destination was told and accepted, and
-- what is uncertain, and why no run tells that, if none does. A computed trait was taken back by null.
-- Parameters: contacts.
-- Rows: destination, audience, property, contact, user_id, value, since, run_id (that told it last), uncertain,
-- left_because.
SELECT
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    told.contact,
    told.user_id,
    CASE
        WHEN NOT told.taken_back THEN told.value
        WHEN audience.is_trait THEN 'null'
        ELSE 'false'
    END AS value,
    told.since,
    told.run_id,
    told.uncertain,
    told.left_because
FROM (
    SELECT
        synced_member.destination_id,
        synced_member.audience_id,
        synced_member.contact,
        synced_member.user_id,
        coalesce(synced_member.value, 'true') AS value,
        synced_member.entered_at AS since,
        abs(synced_member.told_run_id) AS run_id,
        false AS taken_back,
        uncertain.contact IS NOT NULL AS uncertain,
        uncertain.left_because
    FROM synced_member
    LEFT JOIN uncertain USING (destination_id, contact, audience_id)
    WHERE synced_member.destination_id = ANY (ARRAY(SELECT destination.destination_id FROM destination))
        AND synced_member.contact = ANY (%(contacts)s::text[])
    UNION ALL
    SELECT
        told_false.destination_id,
        told_false.audience_id,
        told_false.contact,
        told_false.user_id,
        NULL,
        told_false.told_at,
        abs(told_false.told_run_id),
        true,
        uncertain.contact IS NOT NULL,
        uncertain.left_because
    FROM told_false
    LEFT JOIN uncertain USING (destination_id, contact, audience_id)
    WHERE told_false.destination_id = ANY (ARRAY(SELECT destination.destination_id FROM destination))
        AND told_false.contact = ANY (%(contacts)s::text[])
        AND NOT EXISTS (
            SELECT FROM synced_member
            WHERE synced_member.destination_id = told_false.destination_id
                AND synced_member.contact = told_false.contact
                AND synced_member.audience_id = told_false.audience_id
        )
    UNION ALL
    SELECT
        uncertain.destination_id,
        uncertain.audience_id,
        uncertain.contact,
        uncertain.user_id,
        NULL,
        NULL,
        uncertain.since_run_id,
        false,
        true,
        uncertain.left_because
    FROM uncertain
    WHERE uncertain.destination_id = ANY (ARRAY(SELECT destination.destination_id FROM destination))
        AND uncertain.contact = ANY (%(contacts)s::text[])
        AND NOT EXISTS (
            SELECT FROM synced_member
            WHERE synced_member.destination_id = uncertain.destination_id
                AND synced_member.contact = uncertain.contact
                AND synced_member.audience_id = uncertain.audience_id
        )
        AND NOT EXISTS (
            SELECT FROM told_false
            WHERE told_false.destination_id = uncertain.destination_id
                AND told_false.contact = uncertain.contact
                AND told_false.audience_id = uncertain.audience_id
        )
) AS told
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
ORDER BY destination.name, told.contact, audience.name, told.user_id
