-- Purpose: what there is to deliver, in order.
-- Parameters: run_id, destination_id.
-- Rows: page, urgency, identifies.
SELECT page, urgency, identifies
FROM sync_page
WHERE run_id = %(run_id)s AND destination_id = %(destination_id)s AND status = 'planned'
ORDER BY page
