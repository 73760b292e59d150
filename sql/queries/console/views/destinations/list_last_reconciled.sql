-- Purpose: the last reconciliation of each destination.
-- Rows: destination, reconciliation_id, started_at, finished_at, contacts, asked, differing, missing, stale, untold,
-- changed, repaired.
SELECT DISTINCT ON (reconciliation.destination_id)
    destination.name AS destination,
    reconciliation.reconciliation_id,
    reconciliation.started_at,
    reconciliation.finished_at,
    reconciliation.contacts,
    reconciliation.asked,
    reconciliation.differing,
    reconciliation.missing,
    reconciliation.stale,
    reconciliation.untold,
    reconciliation.changed,
    reconciliation.repaired
FROM reconciliation
JOIN destination USING (destination_id)
ORDER BY reconciliation.destination_id, reconciliation.reconciliation_id DESC
