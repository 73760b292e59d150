-- Purpose: it does not matter any more how often a contact that is being forgotten gave no answer.
-- Rows: none.
DELETE FROM unanswered_contact
USING forgotten_contact
WHERE unanswered_contact.destination_id = forgotten_contact.destination_id
    AND unanswered_contact.contact = forgotten_contact.contact
