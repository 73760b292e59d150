-- Purpose: counts the different contacts of the snapshot, where it was put aside as a whole: not those held out, who
-- were taken out of it.
-- Rows: one: contacts.
SELECT count(*) AS contacts
FROM (
    SELECT DISTINCT later_delta.contact
    FROM later_delta
    WHERE later_delta.contact <> '' AND later_delta.reason IS DISTINCT FROM 'held_out'
) AS named
