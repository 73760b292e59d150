-- Purpose: nothing more is sent about people who are being forgotten, no event either.
-- Rows: none.
DELETE FROM owed_event
USING forgotten_contact
WHERE owed_event.destination_id = forgotten_contact.destination_id
    AND owed_event.contact = forgotten_contact.contact
