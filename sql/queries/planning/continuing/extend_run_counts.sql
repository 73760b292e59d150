-- Purpose: adds a slice to what a run plans for each audience at a destination: it was deferred until now.
-- Parameters: run_id, destination_id.
-- Rows: none.
UPDATE run_count
SET planned_add = run_count.planned_add + coalesce(planned.contacts, 0),
    deferred = run_count.deferred - waited.contacts,
    deferred_add = run_count.deferred_add - waited.contacts
FROM (SELECT audience_id, count(*) AS contacts FROM member_delta GROUP BY audience_id) AS waited
LEFT JOIN (SELECT audience_id, count(*) AS contacts FROM contact_change GROUP BY audience_id) AS planned
    ON planned.audience_id = waited.audience_id
WHERE run_count.run_id = %(run_id)s
    AND run_count.destination_id = %(destination_id)s
    AND run_count.audience_id = waited.audience_id
