-- Purpose: the kept history of one destination replayed: whether each property of each contact was last
-- told false (a computed trait: null).
-- Parameters: destination_id.
-- Rows: none.
CREATE TEMPORARY TABLE replay_told ON COMMIT DROP AS
SELECT DISTINCT ON (c.contact, c.audience_id) c.contact, c.audience_id,
    c.value = CASE WHEN audience.is_trait THEN 'null' ELSE 'false' END::jsonb AS off, c.caller
FROM accepted_change AS c
JOIN audience USING (audience_id)
WHERE c.destination_id = %(destination_id)s AND c.lead AND c.op <> 'covered'
ORDER BY c.contact, c.audience_id, c.run_id DESC
