-- Purpose: a new audience gets its key.
-- Parameters: name, property.
-- Rows: audience_id.
INSERT INTO audience (name, property)
VALUES (%(name)s, %(property)s)
RETURNING audience_id
