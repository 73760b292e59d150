-- Purpose: the pages of the plan. Page 0, the covered changes, stands open to be accepted with the plan itself.
-- Parameters: run_id, destination_id.
-- Rows: page.
INSERT INTO sync_page (run_id, destination_id, page, urgency, status, identifies)
SELECT %(run_id)s, %(destination_id)s, i.page, i.urgency, 'planned'::page_status, sum(i.parts)
FROM planned_identify AS i
GROUP BY i.page, i.urgency
UNION ALL
SELECT %(run_id)s, %(destination_id)s, 0, 0, 'sending'::page_status, 0
WHERE EXISTS (SELECT FROM contact_change AS c WHERE c.op = 'covered')
RETURNING page
