-- Purpose: the first events that are owed to a destination, in the order in which what they tell was accepted.
-- Parameters: destination_id, limit.
-- Rows: event_id, contact, user_id, email, property, value, at, message_id (the same whenever it is sent).
SELECT o.event_id, o.contact, o.user_id, coalesce(o.email, o.contact) AS email, audience.property, o.value, o.at,
    message_id(
        installation.installation_id, installation.installation_id, destination.name, o.contact, 0::smallint,
        'event ' || o.event_id
    ) AS message_id
FROM owed_event AS o
JOIN audience USING (audience_id)
JOIN destination USING (destination_id)
CROSS JOIN installation
WHERE o.destination_id = %(destination_id)s
    AND o.refusal IS NULL
    AND NOT EXISTS (
        SELECT FROM pause AS p
        WHERE (p.destination_id = o.destination_id OR p.destination_id IS NULL)
            AND (p.audience_id = o.audience_id OR p.audience_id IS NULL)
    )
ORDER BY o.event_id
LIMIT %(limit)s
