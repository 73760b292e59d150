-- Purpose: what a reconciliation found, the first of it.
-- Parameters: reconciliation_id, limit.
-- Rows: contact, audience, property, kind, believed, accepted, knows_contact, repaired.
SELECT contact, audience, property, kind, believed, accepted, knows_contact, repaired
FROM reconciled_differences
WHERE reconciliation_id = %(reconciliation_id)s
ORDER BY contact, property
LIMIT %(limit)s
