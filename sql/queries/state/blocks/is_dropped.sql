-- Purpose: says whether the history of a run was kept once, and is not any more.
-- Parameters: run_id.
-- Rows: one: dropped.
SELECT
    EXISTS (
        SELECT FROM run
        WHERE run.run_id = %(run_id)s AND (run.snapshot_at IS NOT NULL OR run.rolls_back_run_id IS NOT NULL)
    )
    AND NOT EXISTS (
        SELECT FROM history_block
        WHERE history_block.first_run <= %(run_id)s AND history_block.end_run > %(run_id)s
    ) AS dropped
