-- Purpose: lists where history and state of one destination contradict each other. Members who entered before the kept
-- history begins have no entry in it: count_replay_differences checks their number.
-- Parameters: destination_id, limit.
-- Rows: why (not_in_state, not_in_history, told_both), audience, property, contact, user_id; and found, how many in
-- all.
SELECT found.why, audience.name AS audience, audience.property, found.contact, found.user_id, count(*) OVER () AS found
FROM (
    SELECT
        CASE WHEN synced.contact IS NULL THEN 'not_in_state' ELSE 'not_in_history' END AS why,
        coalesce(synced.contact, replay.contact) AS contact,
        coalesce(synced.audience_id, replay.audience_id) AS audience_id,
        coalesce(synced.user_id, replay.user_id) AS user_id
    FROM replay
    FULL JOIN (
        SELECT * FROM synced_member WHERE synced_member.destination_id = %(destination_id)s
    ) AS synced
        ON synced.contact = replay.contact
        AND synced.audience_id = replay.audience_id
        AND synced.user_id = replay.user_id
    WHERE (synced.contact IS NULL AND replay.effect = 'gain')
        OR (synced.contact IS NOT NULL AND replay.effect = 'lose')
        OR (
            synced.contact IS NOT NULL
            AND replay.effect IS NULL
            AND synced.entered_run_id >= (SELECT min(sync_page.run_id) FROM sync_page)
        )
    UNION ALL
    SELECT
        CASE WHEN false_now.contact IS NULL THEN 'not_in_state' ELSE 'not_in_history' END,
        coalesce(false_now.contact, replay_told.contact),
        coalesce(false_now.audience_id, replay_told.audience_id),
        coalesce(false_now.user_id, replay_told.caller)
    FROM replay_told
    FULL JOIN (
        SELECT * FROM told_false WHERE told_false.destination_id = %(destination_id)s
    ) AS false_now
        ON false_now.contact = replay_told.contact AND false_now.audience_id = replay_told.audience_id
    WHERE (false_now.contact IS NULL AND replay_told.is_false)
        OR (false_now.contact IS NOT NULL AND NOT replay_told.is_false)
        OR (
            false_now.contact IS NOT NULL
            AND replay_told.is_false IS NULL
            AND abs(false_now.told_run_id) >= (SELECT min(sync_page.run_id) FROM sync_page)
        )
    UNION ALL
    SELECT 'told_both', told_false.contact, told_false.audience_id, told_false.user_id
    FROM told_false
    WHERE told_false.destination_id = %(destination_id)s
        AND EXISTS (
            SELECT FROM synced_member
            WHERE synced_member.destination_id = told_false.destination_id
                AND synced_member.contact = told_false.contact
                AND synced_member.audience_id = told_false.audience_id
        )
) AS found
JOIN audience USING (audience_id)
ORDER BY found.contact, audience.name, found.user_id
LIMIT %(limit)s
