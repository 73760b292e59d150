-- Purpose: counts the different contacts of the snapshot, where it was put aside as a whole.
-- Rows: one: contacts.
SELECT count(*) AS contacts
FROM (
    SELECT DISTINCT later_delta.contact
    FROM later_delta
    WHERE later_delta.contact <> ''
) AS named
