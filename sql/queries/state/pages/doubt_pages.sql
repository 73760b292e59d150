-- Purpose: pages that were sent and turned out to be another process's by then: it has closed their run, and perhaps
-- told their contacts something else in the meantime. What arrived last is not known, so they are uncertain once more.
-- A page that this process had settled before that was answered while it led: of that there is no doubt.
-- Parameters: run_id, destination_id, pages.
-- Rows: none.
WITH change AS MATERIALIZED (
    SELECT
        sync_change.audience_id,
        sync_change.contact,
        coalesce(sync_change.told_as, sync_change.user_id) AS caller,
        sync_change.email,
        sync_change.value = CASE WHEN audience.is_trait THEN 'null' ELSE 'false' END::jsonb AS is_false
    FROM sync_change
    JOIN audience USING (audience_id)
    JOIN sync_page USING (run_id, destination_id, page)
    LEFT JOIN sync_exception
        ON sync_exception.run_id = sync_change.run_id
        AND sync_exception.destination_id = sync_change.destination_id
        AND sync_exception.page = sync_change.page
        AND sync_exception.contact = sync_change.contact
        AND sync_exception.part = sync_change.part
    WHERE sync_change.run_id = %(run_id)s
        AND sync_change.destination_id = %(destination_id)s
        AND sync_change.page = ANY (%(pages)s::integer[])
        AND sync_change.lead
        AND sync_change.op <> 'covered'
        AND NOT is_token(sync_change.contact)
        AND (sync_page.status = 'sending' OR sync_exception.outcome = 'unknown')
),
user_now_false AS (
    INSERT INTO user_told_false (destination_id, audience_id, user_id)
    SELECT DISTINCT %(destination_id)s, change.audience_id, change.caller
    FROM change
    JOIN run_destination
        ON run_destination.run_id = %(run_id)s
        AND run_destination.destination_id = %(destination_id)s
        AND run_destination.keys_users
    WHERE change.is_false
    ON CONFLICT (destination_id, user_id, audience_id) DO NOTHING
)
INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id, email)
SELECT %(destination_id)s, change.audience_id, %(run_id)s, change.contact, change.caller, change.email
FROM change
ON CONFLICT (destination_id, contact, audience_id) DO UPDATE
SET left_because = NULL
