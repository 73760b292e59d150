-- Purpose: notes the groups of users of which something differs, before anybody's name is taken out of the differences.
-- Parameters: key (of the sums); audience_ids, groups (parallel arrays).
-- Rows: none; fills changed_group.
INSERT INTO changed_group (audience_id, member_group)
SELECT DISTINCT member_delta.audience_id, member_group(member_delta.user_id, given.groups, %(key)s)
FROM member_delta
JOIN unnest(%(audience_ids)s::integer[], %(groups)s::integer[]) AS given (audience_id, groups)
    ON given.audience_id = member_delta.audience_id
WHERE member_delta.kind <> 'refresh'
