-- Purpose: reads the same of the state as moved_in_snapshot reads of the snapshot.
-- Parameters: destination_id; key (of the sums); audience_ids, groups, moved (parallel arrays); finest, anywhere.
-- Rows: those of synced_member.
SELECT whole.*
FROM synced_member AS whole
JOIN (
    SELECT DISTINCT ON (asked.audience_id) asked.audience_id, asked.groups, asked.moved -- see diff_members
    FROM unnest(%(audience_ids)s::integer[], %(groups)s::integer[], %(moved)s::bytea[])
        AS asked (audience_id, groups, moved)
) AS given ON given.audience_id = whole.audience_id
WHERE whole.destination_id = %(destination_id)s
    AND (%(anywhere)s::bytea IS NULL OR get_bit(%(anywhere)s, member_group(whole.user_id, %(finest)s, %(key)s)) = 1)
    AND (given.moved IS NULL OR get_bit(given.moved, member_group(whole.user_id, given.groups, %(key)s)) = 1)
