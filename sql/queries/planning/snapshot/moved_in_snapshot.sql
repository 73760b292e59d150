-- Purpose: reads of the snapshot the rows of groups of users that moved, and of audiences that are compared whole.
-- Where few groups moved in any audience, a row is asked for its group before it is joined with its audience.
-- Placeholders: source.
-- Parameters: key (of the sums); names, groups, moved (parallel arrays; a bit for each group, or null: all of them);
-- finest, anywhere (which of so many groups moved in any audience; null: whatever they are).
-- Rows: audience, user_id, email, unsendable.
SELECT whole.audience, whole.user_id, whole.email, whole.unsendable
FROM {source} AS whole
LEFT JOIN (
    SELECT DISTINCT ON (asked.name) asked.name COLLATE "C" AS name, asked.groups, asked.moved -- see diff_members
    FROM unnest(%(names)s::text[], %(groups)s::integer[], %(moved)s::bytea[]) AS asked (name, groups, moved)
) AS given ON given.name = whole.audience
WHERE (%(anywhere)s::bytea IS NULL OR get_bit(%(anywhere)s, member_group(whole.user_id, %(finest)s, %(key)s)) = 1)
    AND (given.moved IS NULL OR get_bit(given.moved, member_group(whole.user_id, given.groups, %(key)s)) = 1)
