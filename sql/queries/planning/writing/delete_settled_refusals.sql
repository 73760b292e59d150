-- Purpose: takes the contacts off the list of refused ones that are to be told nothing any more. Only a run about all
-- audiences can know that.
-- Parameters: destination_id.
-- Rows: none.
DELETE FROM refused_contact
WHERE refused_contact.destination_id = %(destination_id)s
    AND NOT EXISTS (
        SELECT FROM contact_change
        WHERE contact_change.contact = refused_contact.contact AND contact_change.op <> 'covered'
    )
