-- Purpose: what there is to deliver, in order.
-- Parameters: run_id, destination_id.
-- Rows: page, urgency, identifies.
SELECT p.page, p.urgency, p.identifies
FROM sync_page AS p
WHERE p.run_id = %(run_id)s AND p.destination_id = %(destination_id)s AND p.status = 'planned'
ORDER BY p.page
