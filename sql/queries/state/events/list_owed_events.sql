-- Purpose: the first events that are owed to a destination, in the order in which what they tell was accepted.
-- Parameters: destination_id, limit.
-- Rows: event_id, contact, user_id, email, property, name (of the audience), value, at, message_id (the same
-- whenever it is sent).
SELECT
    owed_event.event_id,
    owed_event.contact,
    owed_event.user_id,
    coalesce(owed_event.email, owed_event.contact) AS email,
    audience.property,
    audience.name,
    owed_event.value,
    owed_event.at,
    message_id(
        installation.installation_id,
        installation.installation_id,
        destination.name,
        owed_event.contact,
        0,
        'event ' || owed_event.event_id
    ) AS message_id
FROM owed_event
JOIN audience USING (audience_id)
JOIN destination USING (destination_id)
CROSS JOIN installation
WHERE owed_event.destination_id = %(destination_id)s
    AND owed_event.refusal IS NULL
    AND NOT EXISTS (
        SELECT FROM pause
        WHERE (pause.destination_id = owed_event.destination_id OR pause.destination_id IS NULL)
            AND (pause.audience_id = owed_event.audience_id OR pause.audience_id IS NULL)
    )
ORDER BY owed_event.event_id
LIMIT %(limit)s
