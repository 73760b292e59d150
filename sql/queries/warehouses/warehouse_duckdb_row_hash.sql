-- Purpose: the hash of a row of a table that keeps a snapshot in DuckDB; stands inside other statements.
-- Placeholders: key (of the sums).
hash({key}, audience, user_id, email, unsendable)::hugeint
