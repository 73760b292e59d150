-- Purpose: makes a part of each audience, for a destination that wants a call for each.
-- Rows: none.
UPDATE contact_change
SET part = cut.part
FROM (
    SELECT
        pending.contact,
        pending.audience_id,
        row_number() OVER (PARTITION BY pending.contact ORDER BY pending.audience_id) - 1 AS part
    FROM contact_change AS pending
    WHERE pending.op <> 'covered' AND pending.waits IS NULL
) AS cut
WHERE cut.part > 0
    AND contact_change.contact = cut.contact
    AND contact_change.audience_id = cut.audience_id
