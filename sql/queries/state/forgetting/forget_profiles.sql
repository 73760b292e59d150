-- Purpose: what was remembered of the email and traits of somebody who is being forgotten.
-- Rows: none.
DELETE FROM synced_profile AS s
USING forgotten_contact AS p
WHERE s.contact = p.name
