-- Purpose: what the snapshot holds, by audience name. Grouped twice, because counting different values sorts.
-- Placeholders: source (a relation with audience, user_id, email, unsendable).
-- Rows: audience (null for rows that name none), rows, members (different user ids).
SELECT
    member.audience,
    sum(member.rows)::bigint AS rows,
    count(member.user_id) AS members
FROM (
    SELECT source.audience, source.user_id, count(*) AS rows
    FROM {source} AS source
    GROUP BY source.audience, source.user_id
) AS member
GROUP BY member.audience
