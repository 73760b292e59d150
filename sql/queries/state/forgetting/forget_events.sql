-- Purpose: nothing more is sent about somebody who is being forgotten, no event either.
-- Rows: none.
DELETE FROM owed_event AS o
USING forgotten_contact AS p
WHERE o.contact = p.name
