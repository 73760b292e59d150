-- Purpose: a pause; a null stands for all.
-- Parameters: destination_id, audience_id.
-- Rows: none.
INSERT INTO pause (destination_id, audience_id)
VALUES (%(destination_id)s, %(audience_id)s)
ON CONFLICT (coalesce(destination_id, 0), coalesce(audience_id, 0)) DO NOTHING
