-- Purpose: whether the members of each audience add up at one destination: those of the history that was dropped, and
-- what the kept history added and took away, against the state.
-- Parameters: destination_id.
-- Rows: audience, property, replayed, members; only where they differ.
SELECT audience.name AS audience, audience.property, sums.replayed, sums.members
FROM (
    SELECT part.audience_id, sum(part.replayed)::bigint AS replayed, sum(part.members)::bigint AS members
    FROM (
        SELECT d.audience_id, d.members AS replayed, 0 AS members
        FROM dropped_history AS d
        WHERE d.destination_id = %(destination_id)s
        UNION ALL
        SELECT c.audience_id, CASE c.effect WHEN 'gain' THEN 1 ELSE -1 END, 0
        FROM accepted_change AS c
        WHERE c.destination_id = %(destination_id)s AND c.effect <> 'none'
        UNION ALL
        SELECT m.audience_id, 0, 1
        FROM synced_member AS m
        WHERE m.destination_id = %(destination_id)s
    ) AS part
    GROUP BY part.audience_id
) AS sums
JOIN audience USING (audience_id)
WHERE sums.replayed <> sums.members
ORDER BY audience.name
