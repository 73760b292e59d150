-- Purpose: checks that the members of each audience add up at one destination: those of the history that is
-- added up already, plus what later runs added and took away, must be as many as the state has.
-- Parameters: destination_id.
-- Rows: audience, property, replayed, members; only where they differ.
SELECT audience.name AS audience, audience.property, sums.replayed, sums.members
FROM (
    SELECT part.audience_id, sum(part.replayed)::bigint AS replayed, sum(part.members)::bigint AS members
    FROM (
        SELECT dropped_history.audience_id, dropped_history.members AS replayed, 0 AS members
        FROM dropped_history
        WHERE dropped_history.destination_id = %(destination_id)s
        UNION ALL
        SELECT accepted_change.audience_id, CASE accepted_change.effect WHEN 'gain' THEN 1 ELSE -1 END, 0
        FROM accepted_change
        WHERE accepted_change.destination_id = %(destination_id)s
            AND accepted_change.effect <> 'none'
            AND accepted_change.run_id >= (SELECT installation.added_up_run FROM installation)
        UNION ALL
        SELECT synced_member.audience_id, 0, 1
        FROM synced_member
        WHERE synced_member.destination_id = %(destination_id)s
    ) AS part
    GROUP BY part.audience_id
) AS sums
JOIN audience USING (audience_id)
WHERE sums.replayed <> sums.members
ORDER BY audience.name
