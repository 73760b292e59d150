-- Purpose: a contact that was refused and for whom nothing is to be told any more leaves the list. Only by a run
-- about all audiences.
-- Parameters: destination_id.
-- Rows: none.
DELETE FROM refused_contact AS r
WHERE r.destination_id = %(destination_id)s
    AND NOT EXISTS (SELECT FROM contact_change AS c WHERE c.contact = r.contact AND c.op <> 'covered')
