-- Purpose: pauses the audiences of which something is taken back, where it is.
-- Rows: none.
INSERT INTO pause (destination_id, audience_id)
SELECT DISTINCT rolled_back.destination_id, rolled_back.audience_id
FROM rolled_back
WHERE rolled_back.op IS NOT NULL
ON CONFLICT (coalesce(destination_id, 0), coalesce(audience_id, 0)) DO NOTHING
