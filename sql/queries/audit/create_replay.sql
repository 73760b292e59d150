-- Purpose: the kept history of one destination replayed: what each membership's last accepted change did.
-- Parameters: destination_id.
-- Rows: none.
CREATE TEMPORARY TABLE replay ON COMMIT DROP AS
SELECT DISTINCT ON (c.contact, c.audience_id, c.user_id) c.contact, c.audience_id, c.user_id, c.effect
FROM sync_change AS c
JOIN sync_page AS p USING (run_id, destination_id, page)
LEFT JOIN sync_exception AS e
    ON e.run_id = c.run_id AND e.destination_id = c.destination_id AND e.page = c.page
    AND e.contact = c.contact AND e.part = c.part
WHERE c.destination_id = %(destination_id)s
    AND c.effect <> 'none'
    AND p.status = 'done'
    AND e.contact IS NULL
ORDER BY c.contact, c.audience_id, c.user_id, c.run_id DESC
