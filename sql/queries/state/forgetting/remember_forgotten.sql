-- Purpose: while the warehouse still has them they are known by a keyed hash, and by nothing else. An address is no
-- user id, and the reverse.
-- Rows: none.
INSERT INTO forgotten (hash)
SELECT forget_hash(installation.forget_key, named.kind, named.name)
FROM installation
CROSS JOIN (
    SELECT 'email' AS kind, forgotten_email.name FROM forgotten_email
    UNION ALL
    SELECT 'user_id', forgotten_user.name FROM forgotten_user
) AS named
ON CONFLICT (hash) DO NOTHING
