-- Purpose: whoever is being forgotten need not be found again.
-- Rows: none.
DELETE FROM past_contact
USING forgotten_contact
WHERE past_contact.destination_id = forgotten_contact.destination_id
    AND past_contact.contact = forgotten_contact.contact
