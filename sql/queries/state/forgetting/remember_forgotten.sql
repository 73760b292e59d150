-- Purpose: while the warehouse still has them they are known by a keyed hash, and by nothing else.
-- Rows: none.
INSERT INTO forgotten (hash)
SELECT DISTINCT forget_hash(installation.forget_key, named.name)
FROM installation
CROSS JOIN (
    SELECT forgotten_contact.name FROM forgotten_contact
    UNION
    SELECT forgotten_user.name FROM forgotten_user
) AS named
ON CONFLICT (hash) DO NOTHING
