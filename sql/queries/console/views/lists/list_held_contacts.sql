-- Purpose: a part of the list of what the guard holds at a destination, by audience and contact.
-- Parameters: destination; audience_id, contact (the place after which it begins; null: the beginning); property (null:
-- of every audience); limit.
-- Rows: contact, user_id, audience, property, op, reason, since, since_run_id, approved_at; place (audience_id,
-- contact as JSON), listed, nth (see `Line`).
SELECT
    held_change.contact,
    held_change.user_id,
    audience.name AS audience,
    audience.property,
    held_change.op::text AS op,
    held_change.reason,
    held_change.since,
    held_change.since_run_id,
    held_change.approved_at,
    jsonb_build_array(held_change.audience_id, held_change.contact) AS place,
    true AS listed,
    0 AS nth
FROM held_change
JOIN audience USING (audience_id)
WHERE held_change.destination_id = (SELECT destination_id FROM destination WHERE name = %(destination)s)
    AND (
        %(property)s::text IS NULL
        OR held_change.audience_id = (
            SELECT named.audience_id FROM audience AS named WHERE named.property = %(property)s
        )
    )
    AND (
        %(contact)s::text IS NULL
        OR (held_change.audience_id, held_change.contact) > (%(audience_id)s::integer, %(contact)s::text)
    )
ORDER BY held_change.audience_id, held_change.contact
LIMIT %(limit)s
