-- Purpose: what is uncertain about people who are being forgotten ends: nothing will be sent for them. Their history
-- says that the answer was lost.
-- Rows: none.
DELETE FROM uncertain
USING forgotten_contact
WHERE uncertain.destination_id = forgotten_contact.destination_id
    AND uncertain.contact = forgotten_contact.contact
