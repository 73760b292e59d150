-- Purpose: events are owed no longer: they were accepted, or are about to be sent for the only time.
-- Parameters: event_ids, token (of the leader).
-- Rows: event_id, of those that were owed, if we still lead.
DELETE FROM owed_event
WHERE owed_event.event_id = ANY (%(event_ids)s::bigint[])
    AND EXISTS (SELECT FROM leader WHERE leader.token = %(token)s)
RETURNING owed_event.event_id
