-- Purpose: where history and state contradict one another at one destination. A member who entered before the history
-- that is kept has no entry in it; those are counted, by `count_replay_differences`.
-- Parameters: destination_id, limit.
-- Rows: why (not_in_state, not_in_history, told_both), audience, property, contact, user_id; and found, how many in all.
SELECT found.why, audience.name AS audience, audience.property, found.contact, found.user_id, count(*) OVER () AS found
FROM (
    SELECT
        CASE WHEN m.contact IS NULL THEN 'not_in_state' ELSE 'not_in_history' END AS why,
        coalesce(m.contact, r.contact) AS contact,
        coalesce(m.audience_id, r.audience_id) AS audience_id,
        coalesce(m.user_id, r.user_id) AS user_id
    FROM replay AS r
    FULL JOIN (SELECT * FROM synced_member AS s WHERE s.destination_id = %(destination_id)s) AS m
        ON m.contact = r.contact AND m.audience_id = r.audience_id AND m.user_id = r.user_id
    WHERE (m.contact IS NULL AND r.effect = 'gain')
        OR (m.contact IS NOT NULL AND r.effect = 'lose')
        OR (
            m.contact IS NOT NULL
            AND r.effect IS NULL
            AND m.entered_run_id >= (SELECT min(p.run_id) FROM sync_page AS p)
        )
    UNION ALL
    SELECT
        CASE WHEN f.contact IS NULL THEN 'not_in_state' ELSE 'not_in_history' END,
        coalesce(f.contact, t.contact),
        coalesce(f.audience_id, t.audience_id),
        coalesce(f.user_id, t.caller)
    FROM replay_told AS t
    FULL JOIN (SELECT * FROM told_false AS s WHERE s.destination_id = %(destination_id)s) AS f
        ON f.contact = t.contact AND f.audience_id = t.audience_id
    WHERE (f.contact IS NULL AND t.off)
        OR (f.contact IS NOT NULL AND NOT t.off)
        OR (f.contact IS NOT NULL AND t.off IS NULL AND f.told_run_id >= (SELECT min(p.run_id) FROM sync_page AS p))
    UNION ALL
    SELECT 'told_both', f.contact, f.audience_id, f.user_id
    FROM told_false AS f
    WHERE f.destination_id = %(destination_id)s
        AND EXISTS (
            SELECT FROM synced_member AS m
            WHERE m.destination_id = f.destination_id AND m.contact = f.contact AND m.audience_id = f.audience_id
        )
) AS found
JOIN audience USING (audience_id)
ORDER BY found.contact, audience.name, found.user_id
LIMIT %(limit)s
