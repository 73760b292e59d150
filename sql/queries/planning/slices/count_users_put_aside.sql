-- Purpose: counts the different users of each audience, where the snapshot was put aside as a whole. Whoever is held
-- out was taken out of it, and is only listed. It groups twice, because count(DISTINCT) sorts.
-- Rows: audience_id, users.
SELECT member.audience_id, count(*) AS users
FROM (
    SELECT later_delta.audience_id, later_delta.user_id
    FROM later_delta
    WHERE later_delta.audience_id IS NOT NULL
        AND later_delta.user_id IS NOT NULL
        AND later_delta.reason IS DISTINCT FROM 'held_out'
    GROUP BY later_delta.audience_id, later_delta.user_id
) AS member
GROUP BY member.audience_id
