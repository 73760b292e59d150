-- Purpose: finds what it takes to bring everybody whom a run told something back to what they were told before it: for
-- each property of a contact what is told (op), or why it is left alone (reason), and the run that moved it since.
-- Who was told true had been told false, or nothing, which for a destination that keeps properties is as near as it
-- gets: false. Where the answer was lost, the state has what was accepted before. The reasons:
--     trait        a computed trait: the history of its values is no proof of what was told before
--     refused      nothing was told: it was refused
--     unchanged    it was told what it had been told before
--     retired      the audience is retired
--     forgotten    the person was forgotten
--     approved     something else about it was approved, and goes out with the next run
--     moved        a later run told it something else, or was about to, and the answer was lost; or its rows moved.
--                  That it was only told again, before that expired or in a resync, moved nothing
--     not_known    what it had been told before is not known: that answer was lost, too
-- Parameters: run_id; audience_ids, destination_ids (arrays; null: all).
-- Rows: none; makes rolled_back.
CREATE TEMPORARY TABLE rolled_back ON COMMIT DROP AS
WITH told AS MATERIALIZED (
    SELECT
        sync_change.destination_id,
        sync_change.audience_id,
        sync_change.contact,
        coalesce(sync_change.told_as, sync_change.user_id) AS user_id,
        sync_change.email,
        sync_change.op,
        sync_exception.outcome
    FROM sync_change
    JOIN sync_page
        ON sync_page.run_id = sync_change.run_id
        AND sync_page.destination_id = sync_change.destination_id
        AND sync_page.page = sync_change.page
        AND sync_page.status = 'done'
    LEFT JOIN sync_exception
        ON sync_exception.run_id = sync_change.run_id
        AND sync_exception.destination_id = sync_change.destination_id
        AND sync_exception.page = sync_change.page
        AND sync_exception.contact = sync_change.contact
        AND sync_exception.part = sync_change.part
    WHERE sync_change.run_id = %(run_id)s
        AND sync_change.lead
        AND sync_change.op <> 'covered'
        AND sync_exception.outcome IS DISTINCT FROM 'aborted'
        AND (sync_change.audience_id = ANY (%(audience_ids)s::integer[]) OR %(audience_ids)s::integer[] IS NULL)
        AND (
            sync_change.destination_id = ANY (%(destination_ids)s::integer[])
            OR %(destination_ids)s::integer[] IS NULL
        )
)
SELECT
    told.destination_id,
    told.audience_id,
    told.contact,
    told.user_id,
    told.email,
    judged.reason COLLATE "C" AS reason,
    CASE
        WHEN judged.reason IS NOT NULL THEN NULL
        WHEN told.outcome = 'unknown' THEN CASE WHEN now.rows > 0 THEN 'reasserted' ELSE 'removed' END
        WHEN told.op = 'added' THEN 'removed'
        ELSE 'added'
    END::change_op AS op,
    CASE
        WHEN judged.reason = 'moved'
            THEN greatest(
                now.entered_run_id,
                abs(told_false.told_run_id),
                uncertain.since_run_id,
                CASE WHEN told.outcome = 'unknown' THEN now.told_run_id END
            )
    END AS moved_run_id
FROM told
JOIN audience USING (audience_id)
LEFT JOIN told_false
    ON told_false.destination_id = told.destination_id
    AND told_false.contact = told.contact
    AND told_false.audience_id = told.audience_id
LEFT JOIN uncertain
    ON uncertain.destination_id = told.destination_id
    AND uncertain.contact = told.contact
    AND uncertain.audience_id = told.audience_id
LEFT JOIN held_change
    ON held_change.destination_id = told.destination_id
    AND held_change.contact = told.contact
    AND held_change.audience_id = told.audience_id
    AND held_change.approved_at IS NOT NULL
CROSS JOIN LATERAL (
    SELECT
        count(*) AS rows,
        max(abs(synced_member.told_run_id)) AS told_run_id,
        max(synced_member.entered_run_id) AS entered_run_id
    FROM synced_member
    WHERE synced_member.destination_id = told.destination_id
        AND synced_member.contact = told.contact
        AND synced_member.audience_id = told.audience_id
) AS now
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN audience.is_trait THEN 'trait'
            WHEN told.outcome = 'failed' THEN 'refused'
            WHEN is_token(told.contact) THEN 'forgotten'
            WHEN audience.retired_at IS NOT NULL THEN 'retired'
            WHEN held_change.contact IS NOT NULL THEN 'approved'
            WHEN told.outcome IS NULL AND told.op NOT IN ('added', 'removed') THEN 'unchanged'
            WHEN told.outcome IS NULL AND uncertain.contact IS NOT NULL THEN 'moved'
            WHEN told.outcome = 'unknown' AND coalesce(uncertain.since_run_id > %(run_id)s, true) THEN 'moved'
            WHEN told.outcome = 'unknown' THEN NULL
            WHEN told.op = 'added' THEN
                CASE WHEN now.rows = 0 OR now.entered_run_id > %(run_id)s THEN 'moved' END
            WHEN now.rows > 0 OR coalesce(abs(told_false.told_run_id) < %(run_id)s, true) THEN 'moved'
            WHEN abs(told_false.told_run_id) > %(run_id)s AND EXISTS (
                SELECT FROM sync_change AS later
                WHERE later.run_id > %(run_id)s
                    AND later.destination_id = told.destination_id
                    AND later.contact = told.contact
                    AND later.audience_id = told.audience_id
                    AND later.op = 'added'
            ) THEN 'moved'
            WHEN NOT EXISTS (
                SELECT FROM sync_change AS lost
                WHERE lost.run_id = %(run_id)s
                    AND lost.destination_id = told.destination_id
                    AND lost.contact = told.contact
                    AND lost.audience_id = told.audience_id
                    AND lost.effect = 'lose'
                    AND NOT is_token(lost.user_id)
            ) THEN 'not_known'
        END AS reason
) AS judged
