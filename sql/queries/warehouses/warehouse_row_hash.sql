-- Purpose: the hash of a row of a table that keeps a snapshot; stands inside other statements. Each column's hash is
-- the seed of the next.
-- Placeholders: key (of the sums).
hashtextextended(
    coalesce(audience, ''),
    hashtextextended(
        coalesce(email, ''),
        hashtextextended(
            coalesce(user_id, ''),
            int8xor(
                {key},
                unsendable::integer
                + 2 * (email IS NULL)::integer
                + 4 * (user_id IS NULL)::integer
                + 8 * (audience IS NULL)::integer
            )
        )
    )
)
