-- Purpose: where calls would have to follow one another in a circle there is no such order (two addresses of a user
-- exchange audiences): those edges go, and the others get theirs.
-- Rows: none.
WITH RECURSIVE later AS (
    SELECT e.contact, e.after
    FROM follow_edge AS e
    UNION
    SELECT e.contact, later.after
    FROM later
    JOIN follow_edge AS e ON e.after = later.contact
)
DELETE FROM follow_edge AS e
USING later
WHERE later.contact = e.after AND later.after = e.contact
