-- Purpose: what one row of a table that keeps a snapshot adds up to; stands inside other statements. Each column's hash
-- is the seed of the next.
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
