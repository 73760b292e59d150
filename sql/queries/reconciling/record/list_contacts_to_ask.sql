-- Purpose: the next contacts to ask about.
-- Parameters: reconciliation_id, limit.
-- Rows: contact.
SELECT contact
FROM contact_to_ask
WHERE reconciliation_id = %(reconciliation_id)s
ORDER BY place
LIMIT %(limit)s
