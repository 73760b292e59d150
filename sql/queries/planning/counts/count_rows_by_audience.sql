-- Purpose: counts the snapshot's rows by audience.
-- Placeholders: source (a relation with audience, user_id, email, unsendable).
-- Rows: audience (null for rows that name none), rows.
SELECT audience, count(*) AS rows
FROM {source} AS source
GROUP BY audience
