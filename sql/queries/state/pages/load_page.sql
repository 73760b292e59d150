-- Purpose: the identifies of a page, as they were planned.
-- Parameters: run_id, destination_id, page.
-- Rows: contact, part, user_id (that the call names), email, traits, about, name (of what it is about), message_id,
-- audience_ids, values (an array in parallel); traits and values as JSON text, because there are many and their
-- decoder is faster than the driver's.
SELECT
    sync_change.contact,
    sync_change.part,
    min(coalesce(sync_change.told_as, sync_change.user_id)) AS user_id,
    coalesce(min(sync_change.email), sync_change.contact) AS email,
    min(sync_change.traits::text) AS traits,
    CASE
        WHEN NOT run_destination.per_audience THEN NULL
        WHEN bool_or(audience.is_trait) THEN 'trait'
        ELSE 'audience'
    END AS about,
    min(audience.name) FILTER (WHERE run_destination.per_audience) AS name,
    message_id(
        (SELECT installation.installation_id FROM installation),
        (SELECT run.nonce FROM run WHERE run.run_id = %(run_id)s),
        (SELECT destination.name FROM destination WHERE destination.destination_id = %(destination_id)s),
        sync_change.contact,
        sync_change.part,
        CASE WHEN run_destination.per_audience THEN min(audience.property) END
    ) AS message_id,
    array_agg(sync_change.audience_id ORDER BY sync_change.audience_id) AS audience_ids,
    '[' || string_agg(sync_change.value::text, ',' ORDER BY sync_change.audience_id) || ']' AS values
FROM sync_change
JOIN run_destination ON run_destination.run_id = %(run_id)s AND run_destination.destination_id = %(destination_id)s
JOIN audience USING (audience_id)
WHERE sync_change.run_id = %(run_id)s
    AND sync_change.destination_id = %(destination_id)s
    AND sync_change.page = %(page)s
    AND sync_change.lead
GROUP BY sync_change.contact, sync_change.part, run_destination.per_audience
ORDER BY sync_change.contact, sync_change.part
