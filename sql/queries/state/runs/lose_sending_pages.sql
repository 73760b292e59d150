-- Purpose: when a run is closed, by itself or by the next one's first step, pages that are still `sending` belonged to
-- a process or a connection that is gone: it is not known whether they arrived. Their identifies end unknown and their
-- properties become uncertain.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
WITH lost AS (
    UPDATE sync_page
    SET status = 'done', settled_at = clock_timestamp()
    WHERE sync_page.run_id = %(run_id)s AND sync_page.status = 'sending'
    RETURNING sync_page.destination_id, sync_page.page, sync_page.attempted_at
),
change AS MATERIALIZED (
    SELECT
        sync_change.destination_id,
        sync_change.page,
        sync_change.contact,
        sync_change.part,
        sync_change.audience_id,
        coalesce(sync_change.told_as, sync_change.user_id) AS caller,
        sync_change.email,
        sync_change.value = CASE WHEN audience.is_trait THEN 'null' ELSE 'false' END::jsonb AS is_false,
        lost.attempted_at
    FROM lost
    JOIN sync_change
        ON sync_change.run_id = %(run_id)s
        AND sync_change.destination_id = lost.destination_id
        AND sync_change.page = lost.page
    JOIN audience USING (audience_id)
    WHERE sync_change.lead
),
unknown AS (
    INSERT INTO sync_exception (run_id, destination_id, page, contact, part, outcome, reason, attempted_at)
    SELECT DISTINCT
        %(run_id)s::integer,
        change.destination_id,
        change.page,
        change.contact,
        change.part,
        'unknown'::identify_outcome,
        'the answer was lost before it could be recorded',
        change.attempted_at
    FROM change
),
user_now_false AS (
    INSERT INTO user_told_false (destination_id, audience_id, user_id)
    SELECT DISTINCT change.destination_id, change.audience_id, change.caller
    FROM change
    JOIN run_destination
        ON run_destination.run_id = %(run_id)s
        AND run_destination.destination_id = change.destination_id
        AND run_destination.keys_users
    WHERE change.is_false
    ON CONFLICT (destination_id, user_id, audience_id) DO NOTHING
)
INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id, email)
SELECT change.destination_id, change.audience_id, %(run_id)s, change.contact, change.caller, change.email
FROM change
ON CONFLICT (destination_id, contact, audience_id) DO UPDATE
SET user_id = excluded.user_id, left_because = NULL
