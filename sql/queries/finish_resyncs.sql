-- Purpose: a full resync has ended when nothing that it made due is due any more.
-- Parameters: destination_id, whole (this plan is about all audiences).
-- Rows: none.
DELETE FROM resync AS r
WHERE r.destination_id = %(destination_id)s
    AND (
        r.audience_id IN (SELECT listed.audience_id FROM plan_audience AS listed)
        OR (r.audience_id IS NULL AND %(whole)s)
    )
    AND NOT EXISTS (
        SELECT FROM member_delta AS d
        WHERE d.kind IN ('again', 'retract') AND (d.audience_id = r.audience_id OR r.audience_id IS NULL)
    )
