-- Purpose: drops what was remembered of the email and traits of people who are being forgotten.
-- Rows: none.
DELETE FROM synced_profile
USING forgotten_contact
WHERE synced_profile.destination_id = forgotten_contact.destination_id
    AND synced_profile.contact = forgotten_contact.contact
