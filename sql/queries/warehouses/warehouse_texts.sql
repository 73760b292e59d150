-- Purpose: members as the very texts that a snapshot has, which compare byte for byte; stands inside other statements.
-- Placeholders: relation, a table or the statement warehouse_members in brackets.
-- Rows: audience, user_id, email, unsendable.
SELECT
    members.audience::pg_catalog.text COLLATE pg_catalog."C" AS audience,
    members.user_id::pg_catalog.text COLLATE pg_catalog."C" AS user_id,
    members.email::pg_catalog.text COLLATE pg_catalog."C" AS email,
    members.unsendable
FROM {relation} AS members
