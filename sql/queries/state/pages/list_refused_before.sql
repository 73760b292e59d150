-- Purpose: the status that contacts which a run is about to tell something got when they were refused, in earlier runs.
-- Parameters: run_id, destination_id.
-- Rows: contact, http_status.
SELECT refused_contact.contact, refused_contact.http_status
FROM refused_contact
WHERE refused_contact.destination_id = %(destination_id)s
    AND refused_contact.http_status IS NOT NULL
    AND EXISTS (
        SELECT FROM sync_change
        WHERE sync_change.run_id = %(run_id)s
            AND sync_change.destination_id = %(destination_id)s
            AND sync_change.contact = refused_contact.contact
            AND sync_change.op <> 'covered'
    )
