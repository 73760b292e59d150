-- Purpose: an identify carries so many properties at most, and so many bytes of them; more go out in further parts.
-- A new part begins wherever one of the two is full, with the name that passed the limit: so each stays within both, or
-- passes the second by that name; an event may have 32,768 bytes.
-- Only run when the audiences of the plan could pass a limit together; then, too, hardly a contact is in so many, and
-- finding those out takes a third of putting everybody's changes into order.
-- Parameters: part_properties, part_bytes (the limits).
-- Rows: none.
WITH crowded AS MATERIALIZED (
    SELECT t.contact
    FROM contact_change AS t
    JOIN plan_audience AS listed USING (audience_id)
    WHERE t.op <> 'covered' AND t.waits IS NULL
    GROUP BY t.contact
    HAVING count(*) > %(part_properties)s OR sum(octet_length(listed.property) + 9) > %(part_bytes)s
)
UPDATE contact_change AS c
SET part = cut.part
FROM (
    SELECT
        told.contact,
        told.audience_id,
        dense_rank() OVER (
            PARTITION BY told.contact
            ORDER BY (told.rank - 1) / %(part_properties)s + (told.bytes - 1) / %(part_bytes)s
        ) - 1 AS part
    FROM (
        SELECT
            t.contact,
            t.audience_id,
            row_number() OVER by_contact AS rank,
            sum(octet_length(listed.property) + 9) OVER by_contact AS bytes
        FROM contact_change AS t
        JOIN plan_audience AS listed USING (audience_id)
        WHERE t.op <> 'covered' AND t.waits IS NULL AND t.contact IN (SELECT crowded.contact FROM crowded)
        WINDOW by_contact AS (PARTITION BY t.contact ORDER BY t.audience_id)
    ) AS told
) AS cut
WHERE cut.part > 0 AND c.contact = cut.contact AND c.audience_id = cut.audience_id
