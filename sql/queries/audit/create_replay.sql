-- Purpose: replays the kept history of one destination: what the last accepted change of each membership did.
-- Parameters: destination_id.
-- Rows: none; creates replay.
CREATE TEMPORARY TABLE replay ON COMMIT DROP AS
SELECT DISTINCT ON (accepted_change.contact, accepted_change.audience_id, accepted_change.user_id)
    accepted_change.contact,
    accepted_change.audience_id,
    accepted_change.user_id,
    accepted_change.effect
FROM accepted_change
WHERE accepted_change.destination_id = %(destination_id)s AND accepted_change.effect <> 'none'
ORDER BY
    accepted_change.contact,
    accepted_change.audience_id,
    accepted_change.user_id,
    accepted_change.run_id DESC
