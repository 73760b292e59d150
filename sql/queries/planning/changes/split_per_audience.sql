-- Purpose: a destination that wants a call for every audience gets a part for each.
-- Rows: none.
UPDATE contact_change AS c
SET part = cut.part
FROM (
    SELECT t.contact, t.audience_id, row_number() OVER (PARTITION BY t.contact ORDER BY t.audience_id) - 1 AS part
    FROM contact_change AS t
    WHERE t.op <> 'covered' AND t.waits IS NULL
) AS cut
WHERE cut.part > 0 AND c.contact = cut.contact AND c.audience_id = cut.audience_id
