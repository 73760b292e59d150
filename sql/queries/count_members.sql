-- Purpose: what the snapshot holds, by audience name.
-- Placeholders: source (a relation with audience, user_id, email, unsendable).
-- Rows: audience (null for rows that name none), rows, members (different user ids).
SELECT
    source.audience,
    count(*) AS rows,
    count(DISTINCT source.user_id) AS members
FROM {source} AS source
GROUP BY source.audience
