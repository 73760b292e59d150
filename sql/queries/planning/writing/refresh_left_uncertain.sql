-- Purpose: notes why what is uncertain is told nothing by this plan, and takes the note off what is told now, or waits.
-- Parameters: destination_id, unasked (see find_left_uncertain).
-- Rows: none.
UPDATE uncertain
SET left_because = found.reason
FROM (
    SELECT doubt.contact, doubt.audience_id, left_uncertain.reason
    FROM uncertain AS doubt
    LEFT JOIN left_uncertain USING (contact, audience_id)
    WHERE doubt.destination_id = %(destination_id)s
        AND (
            doubt.audience_id IN (SELECT plan_audience.audience_id FROM plan_audience)
            OR doubt.audience_id = ANY (%(unasked)s::integer[])
        )
) AS found
WHERE uncertain.destination_id = %(destination_id)s
    AND uncertain.contact = found.contact
    AND uncertain.audience_id = found.audience_id
    AND uncertain.left_because IS DISTINCT FROM found.reason
