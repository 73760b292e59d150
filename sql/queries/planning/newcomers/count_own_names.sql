-- Purpose: counts the names of audiences that are the user id or the email of one of their own rows.
-- Placeholders: source (a relation with audience, user_id, email).
-- Parameters: names.
-- Rows: one number.
SELECT count(DISTINCT audience)
FROM {source} AS source
WHERE audience = ANY (%(names)s::text[]) AND (audience = user_id OR audience = email)
