-- Purpose: the key of the sums: a secret of this state, so that nobody can choose a user id or an address by which rows
-- that change add up to what they were.
-- Rows: one: key.
SELECT ('x' || left(forget_hash(installation.forget_key, 'sums', ''), 16))::bit(64)::bigint AS key
FROM installation
