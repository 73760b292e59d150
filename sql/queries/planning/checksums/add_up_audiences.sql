-- Purpose: counts the snapshot's rows by audience and adds up their hashes, over every column that a comparison reads.
-- It is a sum because in an exclusive or a row that occurs twice would cancel itself out. Each column's hash is the
-- seed of the next column's, because separate hashes would add up to the same after two users swapped their emails. A
-- null is another value than an empty text. What add_up_groups adds up comes to the same. The first seed is a secret:
-- whoever knows it finds two addresses with the same hash within a second.
-- Parameters: key (of the sums).
-- Placeholders: source (a relation with audience, user_id, email, unsendable).
-- Rows: audience (null for rows that name none), rows, total.
SELECT
    source.audience,
    count(*) AS rows,
    sum(
        hashtextextended(
            coalesce(source.email, ''),
            int8xor(
                hashtextextended(coalesce(source.user_id, ''), %(key)s),
                source.unsendable::integer
                + 2 * (source.email IS NULL)::integer
                + 4 * (source.user_id IS NULL)::integer
            )
        )
    ) AS total
FROM {source} AS source
GROUP BY source.audience
