-- Purpose: what was planned and never claimed is aborted; the next run plans afresh.
-- Parameters: run_id.
-- Rows: none.
UPDATE sync_page
SET status = 'aborted', settled_at = clock_timestamp()
WHERE run_id = %(run_id)s AND status = 'planned'
