-- Purpose: says whether what a run told is still in the history, and with which run that begins.
-- Parameters: run_id.
-- Rows: one: kept (also of a run that told nothing), first_run_id (null: none is kept).
SELECT
    EXISTS (
        SELECT FROM history_block
        WHERE history_block.first_run <= %(run_id)s AND history_block.end_run > %(run_id)s
    )
    OR NOT EXISTS (
        SELECT FROM run_destination WHERE run_destination.run_id = %(run_id)s AND run_destination.planned > 0
    ) AS kept,
    (SELECT min(sync_page.run_id) FROM sync_page WHERE sync_page.page > 0) AS first_run_id
