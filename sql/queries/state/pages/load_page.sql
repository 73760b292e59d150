-- Purpose: the identifies of a page, as they were planned.
-- Parameters: run_id, destination_id, page.
-- Rows: contact, part, user_id (that the call names), email, traits, about, name (of what it is about), message_id,
-- audience_ids, values (an array in parallel); traits and values as JSON text, because there are many and their
-- decoder is faster than the driver's.
SELECT
    told.contact,
    told.part,
    told.user_id,
    coalesce(told.email, told.contact) AS email,
    told.traits,
    CASE about.is_trait WHEN true THEN 'trait' WHEN false THEN 'audience' END AS about,
    about.name,
    message_id(
        (SELECT installation.installation_id FROM installation),
        (SELECT run.nonce FROM run WHERE run.run_id = %(run_id)s),
        (SELECT destination.name FROM destination WHERE destination.destination_id = %(destination_id)s),
        told.contact,
        told.part,
        about.property
    ) AS message_id,
    told.audience_ids,
    told.values
FROM (
    SELECT
        in_order.contact,
        in_order.part,
        min(in_order.caller) AS user_id,
        min(in_order.email) AS email,
        min(in_order.traits::text) AS traits,
        min(in_order.audience_id) AS audience_id,
        array_agg(in_order.audience_id) AS audience_ids,
        '[' || string_agg(in_order.value::text, ',') || ']' AS values
    FROM (
        SELECT
            sync_change.contact,
            sync_change.part,
            sync_change.audience_id,
            coalesce(sync_change.told_as, sync_change.user_id) AS caller,
            sync_change.email,
            sync_change.traits,
            sync_change.value
        FROM sync_change
        WHERE sync_change.run_id = %(run_id)s
            AND sync_change.destination_id = %(destination_id)s
            AND sync_change.page = %(page)s
            AND sync_change.lead
        ORDER BY sync_change.contact, sync_change.part, sync_change.audience_id -- one sort for both arrays
    ) AS in_order
    GROUP BY in_order.contact, in_order.part
) AS told
LEFT JOIN (
    SELECT audience.audience_id, audience.is_trait, audience.name, audience.property
    FROM audience
    WHERE (
        SELECT run_destination.per_audience
        FROM run_destination
        WHERE run_destination.run_id = %(run_id)s AND run_destination.destination_id = %(destination_id)s
    )
) AS about USING (audience_id)
ORDER BY told.contact, told.part
