-- Purpose: where the contacts of people who are being forgotten have to be erased: each one about which a call left for
-- a destination, whatever became of it.
-- Rows: destination, contact.
SELECT destination.name AS destination, told.contact
FROM (
    SELECT synced_member.destination_id, synced_member.contact
    FROM forgotten_contact
    CROSS JOIN destination -- the key begins with it
    JOIN synced_member
        ON synced_member.destination_id = destination.destination_id AND synced_member.contact = forgotten_contact.name
    UNION
    SELECT told_false.destination_id, told_false.contact
    FROM forgotten_contact
    CROSS JOIN destination
    JOIN told_false
        ON told_false.destination_id = destination.destination_id AND told_false.contact = forgotten_contact.name
    UNION
    SELECT uncertain.destination_id, uncertain.contact
    FROM forgotten_contact
    JOIN uncertain ON uncertain.contact = forgotten_contact.name
    UNION
    SELECT refused_contact.destination_id, refused_contact.contact
    FROM forgotten_contact
    JOIN refused_contact ON refused_contact.contact = forgotten_contact.name
    UNION
    SELECT sync_change.destination_id, sync_change.contact
    FROM forgotten_contact
    JOIN sync_change ON sync_change.contact = forgotten_contact.name
    JOIN sync_page USING (run_id, destination_id, page)
    LEFT JOIN sync_exception
        ON sync_exception.run_id = sync_change.run_id
        AND sync_exception.destination_id = sync_change.destination_id
        AND sync_exception.page = sync_change.page
        AND sync_exception.contact = sync_change.contact
        AND sync_exception.part = sync_change.part
    WHERE sync_change.op <> 'covered'
        AND sync_page.status IN ('sending', 'done')
        AND sync_exception.outcome IS DISTINCT FROM 'aborted'
) AS told
JOIN destination USING (destination_id)
ORDER BY destination.name, told.contact
