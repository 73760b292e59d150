-- Purpose: whether a run is under way: one is open, and whoever leads is alive.
-- Parameters: seconds (after which others may take over).
-- Rows: one: is_syncing.
SELECT
    EXISTS (SELECT FROM run WHERE run.phase <> 'closed')
    AND EXISTS (
        SELECT FROM leader
        WHERE leader.renewed_at >= clock_timestamp() - make_interval(secs => %(seconds)s)
            AND session_lives(leader.backend_pid, leader.since)
    ) AS is_syncing
