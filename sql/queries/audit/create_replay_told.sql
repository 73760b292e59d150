-- Purpose: the kept history of one destination replayed: whether each property of each contact was last
-- told false (a computed trait: null).
-- Parameters: destination_id.
-- Rows: none.
CREATE TEMPORARY TABLE replay_told ON COMMIT DROP AS
SELECT DISTINCT ON (c.contact, c.audience_id) c.contact, c.audience_id,
    c.value = CASE WHEN audience.is_trait THEN 'null' ELSE 'false' END::jsonb AS off, coalesce(c.told_as, c.user_id) AS caller
FROM sync_change AS c
JOIN sync_page AS p USING (run_id, destination_id, page)
JOIN audience USING (audience_id)
LEFT JOIN sync_exception AS e
    ON e.run_id = c.run_id AND e.destination_id = c.destination_id AND e.page = c.page
    AND e.contact = c.contact AND e.part = c.part
WHERE c.destination_id = %(destination_id)s
    AND c.lead
    AND c.op <> 'covered'
    AND p.status = 'done'
    AND e.contact IS NULL
ORDER BY c.contact, c.audience_id, c.run_id DESC
