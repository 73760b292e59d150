-- Purpose: counts the different users of these audiences in the snapshot. It groups twice, because count(DISTINCT)
-- sorts.
-- Placeholders: source (a relation with audience, user_id, email, unsendable).
-- Parameters: names.
-- Rows: audience, members.
SELECT member.audience, count(member.user_id) AS members
FROM (
    SELECT source.audience, source.user_id
    FROM {source} AS source
    WHERE source.audience = ANY (%(names)s::text[])
    GROUP BY source.audience, source.user_id
) AS member
GROUP BY member.audience
