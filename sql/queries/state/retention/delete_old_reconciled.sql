-- Purpose: deletes whom old reconciliations found to differ, and whom those that were broken off had still to ask
-- about. Their counts stay.
-- Parameters: keep (seconds).
-- Rows: none.
WITH old AS (
    SELECT reconciliation_id
    FROM reconciliation
    WHERE started_at < now() - make_interval(secs => %(keep)s)
),

not_asked AS (
    DELETE FROM contact_to_ask
    USING old
    WHERE contact_to_ask.reconciliation_id = old.reconciliation_id
)

DELETE FROM reconciled_difference
USING old
WHERE reconciled_difference.reconciliation_id = old.reconciliation_id
