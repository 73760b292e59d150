-- Purpose: counts and digests the events that are owed to a destination by earlier runs, and which the next one sends
-- (see list_owed_events, drop_suppressed_events). See digest_plan for how a digest is made.
-- Parameters: destination_id, freezes.
-- Rows: one: events, digest.
SELECT
    count(owed.event_id) AS events,
    forget_hash(
        installation.forget_key,
        'plan',
        concat_ws(' ', 'events', count(owed.event_id), sum(hashint8extended(owed.event_id, 0)::numeric))
    ) AS digest
FROM installation
LEFT JOIN (
    SELECT owed_event.event_id
    FROM owed_event
    LEFT JOIN suppressed_contact ON suppressed_contact.contact = owed_event.contact
    WHERE owed_event.destination_id = %(destination_id)s
        AND owed_event.refusal IS NULL
        AND NOT (suppressed_contact.contact IS NOT NULL AND (owed_event.value OR %(freezes)s))
        AND NOT EXISTS (
            SELECT FROM pause
            WHERE (pause.destination_id = owed_event.destination_id OR pause.destination_id IS NULL)
                AND (pause.audience_id = owed_event.audience_id OR pause.audience_id IS NULL)
        )
) AS owed ON true
GROUP BY installation.forget_key
