-- Purpose: a contact that was refused before and accepted in this run leaves the list.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
DELETE FROM refused_contact AS r
WHERE EXISTS (SELECT FROM refused_contact) -- asked once: without any, nothing of the run is read
    AND EXISTS (
        SELECT FROM sync_change AS c
        JOIN sync_page AS p
            ON p.run_id = c.run_id AND p.destination_id = c.destination_id AND p.page = c.page AND p.status = 'done'
        WHERE c.contact = r.contact
            AND c.run_id = %(run_id)s
            AND c.destination_id = r.destination_id
            AND c.op <> 'covered'
    )
    AND NOT EXISTS (
        SELECT FROM sync_exception AS e
        WHERE e.run_id = %(run_id)s AND e.destination_id = r.destination_id AND e.contact = r.contact
    )
