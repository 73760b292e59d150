-- Purpose: the identifies of a page, as they were planned.
-- Parameters: run_id, destination_id, page.
-- Rows: contact, part, user_id (that the call names), email, traits, about, message_id, audience_ids, values (an array in
-- parallel); traits and values as JSON text, because there are many and their decoder is faster than the driver's.
SELECT
    c.contact,
    c.part,
    min(coalesce(c.told_as, c.user_id)) AS user_id,
    coalesce(min(c.email), c.contact) AS email,
    min(c.traits::text) AS traits,
    CASE WHEN d.per_audience THEN CASE WHEN bool_or(audience.is_trait) THEN 'trait' ELSE 'audience' END END AS about,
    message_id(
        (SELECT installation.installation_id FROM installation),
        (SELECT run.nonce FROM run WHERE run.run_id = %(run_id)s),
        (SELECT destination.name FROM destination WHERE destination.destination_id = %(destination_id)s),
        c.contact,
        c.part,
        CASE WHEN d.per_audience THEN min(audience.property) END
    ) AS message_id,
    array_agg(c.audience_id ORDER BY c.audience_id) AS audience_ids,
    '[' || string_agg(c.value::text, ',' ORDER BY c.audience_id) || ']' AS values
FROM sync_change AS c
JOIN run_destination AS d ON d.run_id = %(run_id)s AND d.destination_id = %(destination_id)s
JOIN audience USING (audience_id)
WHERE c.run_id = %(run_id)s AND c.destination_id = %(destination_id)s AND c.page = %(page)s AND c.lead
GROUP BY c.contact, c.part, d.per_audience
ORDER BY c.contact, c.part
