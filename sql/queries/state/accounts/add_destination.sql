-- Purpose: a new destination gets its key, unless another session has just added it.
-- Parameters: name, account.
-- Rows: destination_id, if it was added.
INSERT INTO destination (name, account)
VALUES (%(name)s, %(account)s)
ON CONFLICT (name) DO NOTHING
RETURNING destination_id
