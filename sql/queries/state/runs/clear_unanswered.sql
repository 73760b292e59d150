-- Purpose: a contact that answered in this run, one way or the other, is like any other again.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
DELETE FROM unanswered_contact AS u
WHERE EXISTS (SELECT FROM unanswered_contact) -- asked once: without any, nothing of the run is read
    AND EXISTS (
        SELECT FROM sync_change AS c
        JOIN sync_page AS p
            ON p.run_id = c.run_id AND p.destination_id = c.destination_id AND p.page = c.page AND p.status = 'done'
        WHERE c.contact = u.contact
            AND c.run_id = %(run_id)s
            AND c.destination_id = u.destination_id
            AND c.op <> 'covered'
    )
    AND NOT EXISTS (
        SELECT FROM sync_exception AS e
        WHERE e.run_id = %(run_id)s AND e.destination_id = u.destination_id AND e.contact = u.contact
            AND e.outcome <> 'failed'
    )
