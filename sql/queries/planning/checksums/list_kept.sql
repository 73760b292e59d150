-- Purpose: lists what the last plans for these destinations left of their audiences. What was added up by another
-- server's hashes is of no use.
-- Parameters: destination_ids.
-- Rows: destination_id, audience_id, name, reading, fingerprint (null: something differed), groups
-- (of which no sums are kept if it is one).
SELECT
    member_sum.destination_id,
    member_sum.audience_id,
    audience.name,
    member_sum.reading,
    member_sum.fingerprint,
    greatest(1, cardinality(member_sum.sums)) AS groups
FROM member_sum
JOIN audience USING (audience_id)
WHERE member_sum.destination_id = ANY (%(destination_ids)s::integer[])
    AND member_sum.hashing = hashtextextended('syncer', 0)
