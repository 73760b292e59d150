-- Purpose: what the rows of a table add up to: their number, and the sum of their hashes. It is a sum because in an
-- exclusive or a row that occurs twice would cancel itself out; each column's hash is the seed of the next.
-- Placeholders: table.
-- Rows: one: seal.
SELECT
    count(*)::text || ' ' || coalesce(
        sum(
            hashtextextended(
                coalesce(audience, ''),
                hashtextextended(
                    coalesce(email, ''),
                    hashtextextended(
                        coalesce(user_id, ''),
                        unsendable::integer
                        + 2 * (email IS NULL)::integer
                        + 4 * (user_id IS NULL)::integer
                        + 8 * (audience IS NULL)::integer
                    )
                )
            )
        ),
        0
    )::text AS seal
FROM {table}
