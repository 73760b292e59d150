-- Purpose: replays the kept history of one destination: whether the last accepted call about each property of each
-- contact said false (for a computed trait: null).
-- Parameters: destination_id.
-- Rows: none; creates replay_told.
CREATE TEMPORARY TABLE replay_told ON COMMIT DROP AS
SELECT DISTINCT ON (accepted_change.contact, accepted_change.audience_id)
    accepted_change.contact,
    accepted_change.audience_id,
    accepted_change.value = CASE WHEN audience.is_trait THEN 'null' ELSE 'false' END::jsonb AS is_false,
    accepted_change.caller
FROM accepted_change
JOIN audience USING (audience_id)
WHERE accepted_change.destination_id = %(destination_id)s
    AND accepted_change.lead
    AND accepted_change.op <> 'covered'
ORDER BY accepted_change.contact, accepted_change.audience_id, accepted_change.run_id DESC
