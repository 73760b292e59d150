-- Purpose: notes why what is uncertain is told nothing by this plan, and takes the note off what is told now, or waits.
-- Parameters: destination_id, unasked (see find_left_uncertain).
-- Rows: none.
WITH noted AS (
    UPDATE uncertain
    SET left_because = left_uncertain.reason
    FROM left_uncertain
    WHERE uncertain.destination_id = %(destination_id)s
        AND uncertain.contact = left_uncertain.contact
        AND uncertain.audience_id = left_uncertain.audience_id
        AND uncertain.left_because IS DISTINCT FROM left_uncertain.reason
)
UPDATE uncertain
SET left_because = NULL
WHERE uncertain.destination_id = %(destination_id)s
    AND uncertain.left_because IS NOT NULL
    AND (
        uncertain.audience_id IN (
            SELECT plan_audience.audience_id FROM plan_audience WHERE NOT plan_audience.resting
        )
        OR uncertain.audience_id = ANY (%(unasked)s::integer[])
    )
    AND NOT EXISTS (
        SELECT FROM left_uncertain
        WHERE left_uncertain.contact = uncertain.contact AND left_uncertain.audience_id = uncertain.audience_id
    )
