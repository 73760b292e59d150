-- Purpose: a new destination gets its key.
-- Parameters: name, account.
-- Rows: destination_id.
INSERT INTO destination (name, account)
VALUES (%(name)s, %(account)s)
RETURNING destination_id
