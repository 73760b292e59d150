-- Purpose: replays the kept history of one destination: what the last accepted change of each membership did.
-- Parameters: destination_id.
-- Rows: none; creates replay.
CREATE TEMPORARY TABLE replay ON COMMIT DROP AS
SELECT DISTINCT ON (contact, audience_id, user_id) contact, audience_id, user_id, effect
FROM accepted_change
WHERE destination_id = %(destination_id)s AND effect <> 'none'
ORDER BY contact, audience_id, user_id, run_id DESC
