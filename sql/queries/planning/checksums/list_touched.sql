-- Purpose: lists the audiences that have a difference, or something that is due again or uncertain. That something is
-- told once more before it expires is no difference: the rows are the same.
-- Rows: audience_id; by_row (all of that is about rows that the snapshot or the state has, so their groups are known);
-- changes (how much that is).
SELECT
    member_delta.audience_id,
    bool_and(member_delta.kind IN ('gain', 'lose', 'again', 'skip')) AS by_row,
    count(*) AS changes
FROM member_delta
WHERE member_delta.audience_id IS NOT NULL AND member_delta.kind <> 'refresh'
GROUP BY member_delta.audience_id
