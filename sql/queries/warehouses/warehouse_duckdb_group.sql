-- Purpose: the number of the group of users of its audience that a row of a table that keeps a snapshot in DuckDB is
-- in, from 0 on; stands inside other statements.
-- Placeholders: groups, how many groups an audience has.
mod(hash(user_id), {groups})
