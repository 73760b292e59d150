-- Purpose: drops what is kept of all other audiences of a destination: this plan was not about them, or something of
-- them differs. So what is kept was right at every plan since it was left.
-- Parameters: destination_id; audience_ids.
-- Rows: none.
DELETE FROM member_sum
WHERE member_sum.destination_id = %(destination_id)s
    AND NOT EXISTS (
        SELECT FROM unnest(%(audience_ids)s::integer[]) AS still (audience_id)
        WHERE still.audience_id = member_sum.audience_id
    )
