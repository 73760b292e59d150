-- Purpose: these contacts were asked about.
-- Parameters: reconciliation_id, contacts.
-- Rows: none; as many are deleted as nobody else has taken.
DELETE FROM contact_to_ask
WHERE reconciliation_id = %(reconciliation_id)s AND contact = ANY (%(contacts)s::text[])
