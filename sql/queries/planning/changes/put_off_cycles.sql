-- Purpose: if calls would have to follow one another in a cycle (two addresses of a user exchange audiences), there is
-- no such order: then those falses wait for the next run that a smaller contact would have to follow. Those that are
-- left can be put in order.
-- Rows: none; deletes from follow_edge.
WITH RECURSIVE later AS (
    SELECT follow_edge.contact, follow_edge.after
    FROM follow_edge
    UNION
    SELECT follow_edge.contact, later.after
    FROM later
    JOIN follow_edge ON follow_edge.after = later.contact
),
broken AS (
    DELETE FROM follow_edge
    USING later
    WHERE later.contact = follow_edge.after
        AND later.after = follow_edge.contact
        AND follow_edge.contact < follow_edge.after
    RETURNING follow_edge.after, follow_edge.audience_id
)
UPDATE contact_change
SET waits = 'deferred'
FROM broken
WHERE contact_change.contact = broken.after
    AND contact_change.audience_id = broken.audience_id
    AND NOT contact_change.value
    AND contact_change.waits IS NULL
