-- Purpose: where the contacts of those who are being forgotten have to be erased: every one about which a call left
-- for a destination, whatever became of it.
-- Rows: destination, contact.
SELECT destination.name AS destination, told.contact
FROM (
    SELECT m.destination_id, m.contact
    FROM forgotten_contact AS p
    CROSS JOIN destination -- the key begins with it
    JOIN synced_member AS m ON m.destination_id = destination.destination_id AND m.contact = p.name
    UNION
    SELECT f.destination_id, f.contact
    FROM forgotten_contact AS p
    CROSS JOIN destination
    JOIN told_false AS f ON f.destination_id = destination.destination_id AND f.contact = p.name
    UNION
    SELECT u.destination_id, u.contact FROM forgotten_contact AS p JOIN uncertain AS u ON u.contact = p.name
    UNION
    SELECT r.destination_id, r.contact FROM forgotten_contact AS p JOIN refused_contact AS r ON r.contact = p.name
    UNION
    SELECT c.destination_id, c.contact
    FROM forgotten_contact AS p
    JOIN sync_change AS c ON c.contact = p.name
    JOIN sync_page AS page USING (run_id, destination_id, page)
    LEFT JOIN sync_exception AS e
        ON e.run_id = c.run_id AND e.destination_id = c.destination_id AND e.page = c.page
        AND e.contact = c.contact AND e.part = c.part
    WHERE c.op <> 'covered'
        AND page.status IN ('sending', 'done')
        AND e.outcome IS DISTINCT FROM 'aborted'
) AS told
JOIN destination USING (destination_id)
ORDER BY destination.name, told.contact
