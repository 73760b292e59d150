-- Purpose: ends the full resyncs of which nothing is due any more: nothing is to be told again, and no member that was
-- told before the resync waits to come back or to be told false (because it is skipped or held).
-- Parameters: destination_id, whole (this plan is about all audiences).
-- Rows: none.
DELETE FROM resync
WHERE resync.destination_id = %(destination_id)s
    AND (
        resync.audience_id IN (SELECT plan_audience.audience_id FROM plan_audience)
        OR (resync.audience_id IS NULL AND %(whole)s)
    )
    AND NOT EXISTS (
        SELECT FROM member_delta
        WHERE member_delta.kind IN ('again', 'retract')
            AND (member_delta.audience_id = resync.audience_id OR resync.audience_id IS NULL)
    )
    AND NOT EXISTS (
        SELECT FROM member_delta
        JOIN synced_member
            ON synced_member.destination_id = %(destination_id)s
            AND synced_member.contact = member_delta.contact
            AND synced_member.audience_id = member_delta.audience_id
            AND synced_member.user_id = member_delta.user_id
        WHERE member_delta.kind = 'lose'
            AND (member_delta.audience_id = resync.audience_id OR resync.audience_id IS NULL)
            AND synced_member.told_run_id < resync.before_run_id
    )
