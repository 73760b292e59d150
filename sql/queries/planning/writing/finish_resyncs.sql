-- Purpose: a full resync has ended when nothing that it made due is due any more: nothing is to be told again, and no
-- member that was told before it waits to come back or to be told false (skipped, held).
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
    AND NOT EXISTS (
        SELECT FROM member_delta AS d
        JOIN synced_member AS m
            ON m.destination_id = %(destination_id)s AND m.contact = d.contact AND m.audience_id = d.audience_id
            AND m.user_id = d.user_id
        WHERE d.kind = 'lose'
            AND (d.audience_id = r.audience_id OR r.audience_id IS NULL)
            AND m.told_run_id < r.before_run_id
    )
