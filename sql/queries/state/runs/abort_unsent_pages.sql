-- Purpose: what was planned and never claimed is aborted; the next run plans afresh.
-- Parameters: run_id.
-- Rows: none.
UPDATE sync_page AS p
SET status = 'aborted', settled_at = clock_timestamp()
WHERE p.run_id = %(run_id)s AND p.status = 'planned'
