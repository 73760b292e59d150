-- Purpose: counts who is held out of an audience now, and since when.
-- Parameters: property.
-- Rows: one: people, since (the first of them; null: nobody is).
SELECT count(*) AS people, min(held_out.since) AS since
FROM held_out
JOIN audience USING (audience_id)
WHERE audience.property = %(property)s AND held_out.until IS NULL
