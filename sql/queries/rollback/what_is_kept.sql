-- Purpose: says whether what a run told is still in the history, and with which run that begins.
-- Parameters: run_id, partition (of sync_change: the one that the run is in).
-- Rows: one: kept (also of a run that told nothing), first_run_id (null: none is kept).
SELECT
    to_regclass(%(partition)s) IS NOT NULL
    OR NOT EXISTS (
        SELECT FROM run_destination WHERE run_destination.run_id = %(run_id)s AND run_destination.planned > 0
    ) AS kept,
    (SELECT min(sync_page.run_id) FROM sync_page WHERE sync_page.page > 0) AS first_run_id
