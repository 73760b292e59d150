-- Purpose: what was given, read as user id, byte for byte. What stands for somebody already forgotten stays.
-- Parameters: who.
-- Rows: none; fills forgotten_user.
INSERT INTO forgotten_user (name)
SELECT DISTINCT given.name
FROM unnest(%(who)s::text[]) AS given (name)
WHERE NOT is_token(given.name)
