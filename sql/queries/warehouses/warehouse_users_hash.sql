-- Purpose: which of its audience's groups a user is in, of a row of a table that keeps a snapshot; stands inside other
-- statements.
-- Placeholders: groups, how many groups an audience has.
hashtextextended(audience, mod(hashtextextended(user_id, 0) & 9223372036854775807, {groups}))
