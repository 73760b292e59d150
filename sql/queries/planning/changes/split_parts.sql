-- Purpose: splits identifies into parts that carry at most so many properties, and so many bytes of them. A new part
-- begins where one of the two is full, with the name that passed the limit: by that name, at most, a part is longer; an
-- event may have 32,768 bytes. What becomes false comes first. It only runs if the audiences of the plan could pass a
-- limit together. Even then hardly a contact is in so many, and to find those first takes a third of the time of
-- numbering everybody's changes.
-- Parameters: part_properties, part_bytes (the limits).
-- Rows: none.
WITH crowded AS MATERIALIZED (
    SELECT contact_change.contact
    FROM contact_change
    JOIN plan_audience USING (audience_id)
    WHERE contact_change.op <> 'covered' AND contact_change.waits IS NULL
    GROUP BY contact_change.contact
    HAVING count(*) > %(part_properties)s OR sum(octet_length(plan_audience.property) + 9) > %(part_bytes)s
)
UPDATE contact_change
SET part = cut.part
FROM (
    SELECT
        numbered.contact,
        numbered.audience_id,
        dense_rank() OVER (
            PARTITION BY numbered.contact
            ORDER BY (numbered.rank - 1) / %(part_properties)s + (numbered.bytes - 1) / %(part_bytes)s
        ) - 1 AS part
    FROM (
        SELECT
            pending.contact,
            pending.audience_id,
            row_number() OVER by_contact AS rank,
            sum(octet_length(plan_audience.property) + 9) OVER by_contact AS bytes
        FROM contact_change AS pending
        JOIN plan_audience USING (audience_id)
        WHERE pending.op <> 'covered'
            AND pending.waits IS NULL
            AND pending.contact IN (SELECT crowded.contact FROM crowded)
        WINDOW by_contact AS (PARTITION BY pending.contact ORDER BY pending.value, pending.audience_id)
    ) AS numbered
) AS cut
WHERE cut.part > 0
    AND contact_change.contact = cut.contact
    AND contact_change.audience_id = cut.audience_id
