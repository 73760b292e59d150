-- Purpose: a contact that was refused before and accepted in this run leaves the list.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
DELETE FROM refused_contact
WHERE EXISTS (SELECT FROM refused_contact AS any_row) -- asked once: without any, nothing of the run is read
    AND EXISTS (
        SELECT FROM sync_change
        JOIN sync_page
            ON sync_page.run_id = sync_change.run_id
            AND sync_page.destination_id = sync_change.destination_id
            AND sync_page.page = sync_change.page
            AND sync_page.status = 'done'
        WHERE sync_change.contact = refused_contact.contact
            AND sync_change.run_id = %(run_id)s
            AND sync_change.destination_id = refused_contact.destination_id
            AND sync_change.op <> 'covered'
    )
    AND NOT EXISTS (
        SELECT FROM sync_exception
        WHERE sync_exception.run_id = %(run_id)s
            AND sync_exception.destination_id = refused_contact.destination_id
            AND sync_exception.contact = refused_contact.contact
    )
