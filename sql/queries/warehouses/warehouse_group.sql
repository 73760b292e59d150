-- Purpose: the number of the group of users of its audience that a row of a table that keeps a snapshot is in, from 0
-- on, also of a row without a user; stands inside other statements.
-- Placeholders: groups, how many groups an audience has.
mod(hashtextextended(coalesce(user_id, ''), 0) & 9223372036854775807, {groups})
