-- Purpose: a reconciliation as it stands.
-- Parameters: reconciliation_id.
-- Rows: one; as the view reconciliations has it, but for the audiences.
SELECT
    reconciliation_id,
    destination,
    sample,
    repairs,
    started_at,
    finished_at,
    contacts,
    asked,
    equal,
    differing,
    moved,
    unreadable,
    missing,
    stale,
    untold,
    changed,
    repaired
FROM reconciliations
WHERE reconciliation_id = %(reconciliation_id)s
