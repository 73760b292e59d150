-- Purpose: deletes the edges of cycles: if calls would have to follow one another in a cycle (two addresses of a user
-- exchange audiences), there is no such order. The other edges stay.
-- Rows: none.
WITH RECURSIVE later AS (
    SELECT follow_edge.contact, follow_edge.after
    FROM follow_edge
    UNION
    SELECT follow_edge.contact, later.after
    FROM later
    JOIN follow_edge ON follow_edge.after = later.contact
)
DELETE FROM follow_edge
USING later
WHERE later.contact = follow_edge.after AND later.after = follow_edge.contact
