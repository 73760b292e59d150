-- Purpose: writes the pages of the plan. Page 0, the covered changes, is open, to be accepted with the plan itself.
-- Parameters: run_id, destination_id.
-- Rows: page.
INSERT INTO sync_page (run_id, destination_id, page, urgency, status, identifies)
SELECT
    %(run_id)s,
    %(destination_id)s,
    planned_identify.page,
    planned_identify.urgency,
    'planned'::page_status,
    sum(planned_identify.parts)
FROM planned_identify
GROUP BY planned_identify.page, planned_identify.urgency
UNION ALL
SELECT %(run_id)s, %(destination_id)s, 0, 0, 'sending'::page_status, 0
WHERE EXISTS (SELECT FROM contact_change WHERE contact_change.op = 'covered')
RETURNING page
