-- Purpose: folds the rows of those contacts of a slice that are in so many audiences that split_parts has to look at
-- them.
-- Parameters: until (the contact with which the next slice begins; null: all are of this one); part_properties,
-- part_bytes (the limits of a part).
-- Rows: none; fills contact_change.
INSERT INTO contact_change (contact, audience_id, op, initial, value)
SELECT DISTINCT member_delta.contact, member_delta.audience_id, 'added'::change_op, true, true
FROM member_delta
WHERE member_delta.kind = 'gain'
    AND member_delta.contact IN (
        SELECT crowded.contact
        FROM member_delta AS crowded
        JOIN plan_audience USING (audience_id)
        WHERE crowded.kind = 'gain' AND (%(until)s::text IS NULL OR crowded.contact < %(until)s)
        GROUP BY crowded.contact
        HAVING count(*) > %(part_properties)s OR sum(octet_length(plan_audience.property) + 9) > %(part_bytes)s
    )
