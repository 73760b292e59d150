-- Purpose: a new audience gets its key.
-- Parameters: name, property, is_trait.
-- Rows: audience_id.
INSERT INTO audience (name, property, is_trait)
VALUES (%(name)s, %(property)s, %(is_trait)s)
RETURNING audience_id
