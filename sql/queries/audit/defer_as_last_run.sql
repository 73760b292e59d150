-- Purpose: marks as deferred what the last run deferred, in a plan that only answers a question: of the audiences of
-- which that run deferred changes, those of the last class (backfills, reassertions, retirements), and the false to the
-- old contact of a user who moved (put_off_moves). Where that run told the contact something else, its call named a
-- user who may be gone from it by now; or that was the false, to the contact or its user, for which the true of another
-- audience of a priority waited (wait_for_priority).
-- Parameters: destination_id, run_id (of the last run).
-- Rows: none.
WITH lost AS MATERIALIZED (
    SELECT DISTINCT sync_change.user_id
    FROM sync_change
    WHERE sync_change.run_id = %(run_id)s
        AND sync_change.destination_id = %(destination_id)s
        AND sync_change.effect = 'lose'
        AND EXISTS (
            SELECT FROM run_count
            WHERE run_count.run_id = %(run_id)s
                AND run_count.destination_id = %(destination_id)s
                AND run_count.yielding > 0
        )
)
UPDATE contact_change
SET waits = 'deferred'
FROM plan_audience, run_count
WHERE plan_audience.audience_id = contact_change.audience_id
    AND run_count.run_id = %(run_id)s
    AND run_count.destination_id = %(destination_id)s
    AND run_count.audience_id = contact_change.audience_id
    AND run_count.deferred > 0
    AND (
        urgency_of(contact_change.op, contact_change.initial, plan_audience.retired) >= 3
        OR EXISTS (
            SELECT FROM caller
            JOIN moved_user USING (user_id)
            WHERE caller.contact = contact_change.contact AND moved_user.audience_id = contact_change.audience_id
        )
        OR (
            (NOT contact_change.value OR run_count.yielding > 0)
            AND EXISTS (
                SELECT FROM sync_change
                WHERE sync_change.run_id = %(run_id)s
                    AND sync_change.destination_id = %(destination_id)s
                    AND sync_change.contact = contact_change.contact
                    AND sync_change.op <> 'covered'
            )
        )
        OR (run_count.yielding > 0 AND contact_change.entering_user_id IN (SELECT lost.user_id FROM lost))
    )
    AND contact_change.op <> 'covered'
    AND contact_change.waits IS NULL
