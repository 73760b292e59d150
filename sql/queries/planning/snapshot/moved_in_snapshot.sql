-- Purpose: reads of the snapshot the rows of groups of users that moved, and of audiences that are compared whole.
-- Placeholders: source.
-- Parameters: key (of the sums); names, groups, moved (parallel arrays; a bit for each group, or null: all of them).
-- Rows: audience, user_id, email, unsendable.
SELECT whole.audience, whole.user_id, whole.email, whole.unsendable
FROM {source} AS whole
LEFT JOIN unnest(%(names)s::text[], %(groups)s::integer[], %(moved)s::bytea[]) AS given (name, groups, moved)
    ON given.name COLLATE "C" = whole.audience
WHERE given.moved IS NULL OR get_bit(given.moved, member_group(whole.user_id, given.groups, %(key)s)) = 1
