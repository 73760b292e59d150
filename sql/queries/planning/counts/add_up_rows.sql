-- Purpose: what the snapshot names, how often, and what its rows add up to: a sum of hashes over every column that a
-- comparison reads. A sum, because rows that are there twice would cancel out in an exclusive or; each hash is the seed of
-- the next, because hashes that were only combined would add up to the same after two users swapped their emails.
-- A null is another value than an empty text.
-- Placeholders: source (a relation with audience, user_id, email, unsendable).
-- Rows: audience (null for rows that name none), rows, total.
SELECT
    source.audience,
    count(*) AS rows,
    sum(
        hashtextextended(
            coalesce(source.email, ''),
            hashtextextended(
                coalesce(source.user_id, ''),
                source.unsendable::integer + 2 * (source.email IS NULL)::integer + 4 * (source.user_id IS NULL)::integer
            )
        )
    ) AS total
FROM {source} AS source
GROUP BY source.audience
