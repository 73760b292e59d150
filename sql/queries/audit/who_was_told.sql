-- Purpose: what each destination was last told, and accepted, of some contacts; and what is uncertain.
-- Parameters: contacts.
-- Rows: destination, audience, property, contact, user_id, value, since, run_id (that told it last), uncertain.
SELECT destination.name AS destination, audience.name AS audience, audience.property, told.contact, told.user_id,
    told.value, told.since, told.run_id, told.uncertain
FROM (
    SELECT m.destination_id, m.audience_id, m.contact, m.user_id, coalesce(m.value, 'true') AS value, m.entered_at AS since,
        m.told_run_id AS run_id, u.contact IS NOT NULL AS uncertain
    FROM synced_member AS m
    LEFT JOIN uncertain AS u USING (destination_id, contact, audience_id)
    WHERE m.contact = ANY (%(contacts)s::text[])
    UNION ALL
    SELECT f.destination_id, f.audience_id, f.contact, f.user_id, 'false'::jsonb, f.told_at, f.told_run_id, u.contact IS NOT NULL
    FROM told_false AS f
    LEFT JOIN uncertain AS u USING (destination_id, contact, audience_id)
    WHERE f.contact = ANY (%(contacts)s::text[])
        AND NOT EXISTS (
            SELECT FROM synced_member AS m
            WHERE m.destination_id = f.destination_id AND m.contact = f.contact AND m.audience_id = f.audience_id
        )
    UNION ALL
    SELECT u.destination_id, u.audience_id, u.contact, u.user_id, NULL, NULL, u.since_run_id, true
    FROM uncertain AS u
    WHERE u.contact = ANY (%(contacts)s::text[])
        AND NOT EXISTS (
            SELECT FROM synced_member AS m
            WHERE m.destination_id = u.destination_id AND m.contact = u.contact AND m.audience_id = u.audience_id
        )
        AND NOT EXISTS (
            SELECT FROM told_false AS f
            WHERE f.destination_id = u.destination_id AND f.contact = u.contact AND f.audience_id = u.audience_id
        )
) AS told
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
ORDER BY destination.name, told.contact, audience.name, told.user_id
