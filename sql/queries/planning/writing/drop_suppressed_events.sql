-- Purpose: drops the events about suppressed contacts that were to be sent: that they entered, or any, where the
-- destination freezes them.
-- Parameters: destination_id, freezes.
-- Rows: none.
DELETE FROM owed_event
USING suppressed_contact
WHERE owed_event.destination_id = %(destination_id)s
    AND owed_event.contact = suppressed_contact.contact
    AND (owed_event.value OR %(freezes)s)
