-- Purpose: whether a reconciliation must not ask now: a run is open, and whoever leads is alive; or another
-- reconciliation of the same destination, which began before it, asks.
-- Parameters: reconciliation_id; seconds (after which others may take over), page_seconds (that a page takes at most).
-- Rows: one: must_wait.
SELECT
    (
        EXISTS (SELECT FROM run WHERE run.phase <> 'closed')
        AND EXISTS (
            SELECT FROM leader
            WHERE leader.renewed_at >= clock_timestamp() - make_interval(secs => %(seconds)s)
                AND session_lives(leader.backend_pid, leader.since)
        )
    )
    OR EXISTS (
        SELECT FROM reconciliation
        JOIN reconciliation AS earlier USING (destination_id)
        WHERE reconciliation.reconciliation_id = %(reconciliation_id)s
            AND earlier.reconciliation_id < reconciliation.reconciliation_id
            AND earlier.finished_at IS NULL
            AND earlier.moved_at >= clock_timestamp() - make_interval(secs => %(page_seconds)s)
    ) AS must_wait
