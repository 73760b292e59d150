-- Purpose: says whether this person is to be forgotten, while the warehouse still has them.
-- Parameters: who.
-- Rows: one: forgotten.
SELECT EXISTS (
    SELECT FROM forgotten
    CROSS JOIN installation
    WHERE forgotten.hash IN (
        forget_hash(installation.forget_key, 'email', contact_of(%(who)s)),
        forget_hash(installation.forget_key, 'user_id', %(who)s)
    )
) AS forgotten
