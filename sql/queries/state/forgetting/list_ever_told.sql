-- Purpose: where the contacts of people who are being forgotten have to be erased: each one about which a call left for
-- a destination, whatever became of it.
-- Rows: destination, contact.
SELECT destination.name AS destination, told.contact
FROM (
    SELECT destination_id, contact
    FROM forgotten_contact
    JOIN synced_member USING (destination_id, contact)
    UNION
    SELECT destination_id, contact
    FROM forgotten_contact
    JOIN told_false USING (destination_id, contact)
    UNION
    SELECT destination_id, contact
    FROM forgotten_contact
    JOIN uncertain USING (destination_id, contact)
    UNION
    SELECT destination_id, contact
    FROM forgotten_contact
    JOIN refused_contact USING (destination_id, contact)
    UNION
    SELECT destination_id, contact
    FROM forgotten_contact
    JOIN past_contact USING (destination_id, contact)
    UNION
    SELECT forgotten_contact.destination_id, forgotten_contact.contact
    FROM forgotten_contact
    JOIN sync_change USING (destination_id, contact)
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
