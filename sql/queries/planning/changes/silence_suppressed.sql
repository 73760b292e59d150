-- Purpose: nobody who is suppressed is told anything but false, or, where the destination freezes them, anything.
-- Parameters: freezes.
-- Rows: none.
DELETE FROM contact_change
USING suppressed_contact
WHERE contact_change.contact = suppressed_contact.contact AND (contact_change.value OR %(freezes)s)
