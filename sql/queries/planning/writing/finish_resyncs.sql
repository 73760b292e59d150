-- Purpose: ends the full resyncs of which this plan tells nothing any more and defers nothing. Contacts that are left
-- cannot be told now (their row is skipped, or they are held or refused): they stay due by themselves, without the
-- resync. Contacts beyond the destination's reach wait for a larger one: then the resync ends for this reach only.
-- Parameters: destination_id, whole (this plan is about all audiences), retract (false is told again as well);
-- reach_contacts, rollout (the destination's reach).
-- Rows: none.
WITH due AS MATERIALIZED (
    SELECT DISTINCT
        member_delta.audience_id,
        member_delta.contact,
        plan_audience.due_before,
        contact_change.contact IS NOT NULL AS goes
    FROM member_delta
    JOIN plan_audience USING (audience_id)
    LEFT JOIN contact_change
        ON contact_change.contact = member_delta.contact
        AND contact_change.audience_id = member_delta.audience_id
        AND (contact_change.waits IS NULL OR contact_change.waits = 'deferred')
    WHERE plan_audience.due_before > 0
        AND (
            member_delta.kind IN ('again', 'retract')
            OR (member_delta.kind = 'lose' AND member_delta.told_run_id < plan_audience.due_before)
        )
),
ended AS MATERIALIZED (
    SELECT
        resync.audience_id,
        resync.before_run_id,
        (%(reach_contacts)s::text[] IS NOT NULL OR %(rollout)s::float8 IS NOT NULL)
        AND (
            EXISTS (
                SELECT FROM synced_member
                WHERE synced_member.destination_id = %(destination_id)s
                    AND (synced_member.audience_id = resync.audience_id OR resync.audience_id IS NULL)
                    AND synced_member.told_run_id < resync.before_run_id
                    AND NOT is_in_reach(synced_member.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
                    AND NOT is_token(synced_member.contact)
            )
            OR EXISTS (
                SELECT FROM told_false
                WHERE %(retract)s
                    AND told_false.destination_id = %(destination_id)s
                    AND (told_false.audience_id = resync.audience_id OR resync.audience_id IS NULL)
                    AND told_false.told_run_id < resync.before_run_id
                    AND NOT is_in_reach(told_false.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
                    AND NOT is_token(told_false.contact)
            )
        ) AS waits_beyond
    FROM resync
    WHERE resync.destination_id = %(destination_id)s
        AND (
            resync.audience_id IN (
                SELECT plan_audience.audience_id FROM plan_audience WHERE NOT plan_audience.resting
            )
            OR (resync.audience_id IS NULL AND %(whole)s)
        )
        AND NOT ( -- it has ended for this reach already
            (resync.reach_hashes IS NOT NULL OR resync.rollout IS NOT NULL)
            AND is_reach_within(
                hashed_reach(%(reach_contacts)s::text[]), %(rollout)s::float8, resync.reach_hashes, resync.rollout
            )
        )
        AND NOT EXISTS (
            SELECT FROM due
            WHERE due.goes AND (due.audience_id = resync.audience_id OR resync.audience_id IS NULL)
        )
),
left_over AS MATERIALIZED (
    SELECT due.audience_id, due.contact, max(ended.before_run_id) AS before_run_id
    FROM due
    JOIN ended ON ended.audience_id = due.audience_id OR ended.audience_id IS NULL
    WHERE NOT due.goes
    GROUP BY due.audience_id, due.contact
),
left_true AS (
    UPDATE synced_member
    SET told_run_id = -synced_member.told_run_id
    FROM left_over
    WHERE synced_member.destination_id = %(destination_id)s
        AND synced_member.contact = left_over.contact
        AND synced_member.audience_id = left_over.audience_id
        AND synced_member.told_run_id > 0
        AND synced_member.told_run_id < left_over.before_run_id
),
left_false AS (
    UPDATE told_false
    SET told_run_id = -told_false.told_run_id
    FROM left_over
    WHERE %(retract)s
        AND told_false.destination_id = %(destination_id)s
        AND told_false.contact = left_over.contact
        AND told_false.audience_id = left_over.audience_id
        AND told_false.told_run_id > 0
        AND told_false.told_run_id < left_over.before_run_id
),
waiting AS (
    UPDATE resync
    SET reach_hashes = hashed_reach(%(reach_contacts)s::text[]), rollout = %(rollout)s
    FROM ended
    WHERE ended.waits_beyond
        AND resync.destination_id = %(destination_id)s
        AND resync.audience_id IS NOT DISTINCT FROM ended.audience_id
)
DELETE FROM resync
USING ended
WHERE NOT ended.waits_beyond
    AND resync.destination_id = %(destination_id)s
    AND resync.audience_id IS NOT DISTINCT FROM ended.audience_id
