-- Purpose: lists the groups of users that add up to something else than what is kept of them, or of which nothing is.
-- Parameters: destination_id; audience_ids, names (parallel arrays, of audiences of which sums are kept).
-- Rows: audience_id; groups (how many it has), moved (those that moved); none for one that has another number of groups
-- now, or was not added up.
SELECT
    asked.audience_id,
    cardinality(present.sums) AS groups,
    ARRAY(
        SELECT each.place::integer - 1
        FROM unnest(kept.sums, present.sums) WITH ORDINALITY AS each (before, now, place)
        WHERE each.before IS DISTINCT FROM each.now
    ) AS moved
FROM unnest(%(audience_ids)s::integer[], %(names)s::text[]) AS asked (audience_id, name)
JOIN audience_sum AS present ON present.name = asked.name COLLATE "C"
JOIN member_sum AS kept
    ON kept.destination_id = %(destination_id)s
    AND kept.audience_id = asked.audience_id
    AND cardinality(kept.sums) = cardinality(present.sums)
