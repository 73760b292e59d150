-- Purpose: events that were refused stay, with the receiver's words, and are not sent again.
-- Parameters: event_ids, reasons (parallel arrays); token (of the leader).
-- Rows: event_id.
UPDATE owed_event
SET refusal = given.reason
FROM unnest(%(event_ids)s::bigint[], %(reasons)s::text[]) AS given (event_id, reason)
WHERE owed_event.event_id = given.event_id
    AND EXISTS (SELECT FROM leader WHERE leader.token = %(token)s)
RETURNING owed_event.event_id
