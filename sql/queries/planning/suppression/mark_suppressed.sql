-- Purpose: marks the differences of suppressed contacts.
-- Rows: none.
UPDATE member_delta
SET suppressed = true
FROM suppressed_contact
WHERE member_delta.contact = suppressed_contact.contact AND member_delta.kind <> 'skip'
