-- Purpose: the members of one source, as every snapshot takes them; stands inside other statements.
-- PostgreSQL's text holds no NUL and no broken Unicode, so nothing here is unsendable.
-- Placeholders: audience, user_id, email (a column or a literal), more (further columns), relation, condition (true, or
-- the member column).
-- Rows: audience, user_id, email, unsendable, and those of more.
SELECT {audience}::text AS audience, {user_id}::text AS user_id, {email}::text AS email, false AS unsendable{more}
FROM {relation} AS members
WHERE {condition}
