-- Purpose: which of its audience's groups a user is in, of a row of a table that keeps a snapshot in DuckDB; stands
-- inside other statements.
-- Placeholders: groups, how many groups an audience has.
hash(audience, mod(hash(user_id), {groups}))
