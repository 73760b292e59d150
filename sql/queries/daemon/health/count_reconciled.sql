-- Purpose: what the last reconciliation of each destination that was finished found.
-- Rows: name, missing, stale, untold, changed.
SELECT DISTINCT ON (destination.destination_id)
    destination.name,
    reconciliation.missing,
    reconciliation.stale,
    reconciliation.untold,
    reconciliation.changed
FROM reconciliation
JOIN destination USING (destination_id)
WHERE reconciliation.finished_at IS NOT NULL
ORDER BY destination.destination_id, reconciliation.reconciliation_id DESC
