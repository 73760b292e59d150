-- Purpose: the members of one source, as every snapshot takes them; stands inside other statements.
-- PostgreSQL's text holds no NUL. Broken Unicode is in it only where the database has no encoding.
-- Placeholders: audience, user_id, email (as texts), unsendable, more (further columns), relation, condition (whether a
-- row is a member).
-- Rows: audience, user_id, email, unsendable, and those of more.
SELECT {audience} AS audience, {user_id} AS user_id, {email} AS email, {unsendable} AS unsendable{more}
FROM {relation} AS members
WHERE {condition}
