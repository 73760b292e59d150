-- Purpose: leaves what audiences as a whole add up to of which no groups of users were added up: they have none, or of
-- none anything is known. What is right already is not written again.
-- Parameters: destination_id, reading; audience_id, fingerprint (null: it is not known), groups (parallel arrays).
-- Rows: none.
INSERT INTO member_sum (destination_id, audience_id, reading, fingerprint, sums)
SELECT
    %(destination_id)s,
    given.audience_id,
    %(reading)s,
    given.fingerprint,
    array_fill(NULL::bigint, ARRAY[given.groups])
FROM unnest(%(audience_id)s::integer[], %(fingerprint)s::text[], %(groups)s::integer[])
    AS given (audience_id, fingerprint, groups)
LEFT JOIN member_sum AS kept
    ON kept.destination_id = %(destination_id)s AND kept.audience_id = given.audience_id
WHERE kept.reading IS DISTINCT FROM %(reading)s
    OR kept.hashing <> hashtextextended('syncer', 0)
    OR kept.fingerprint IS DISTINCT FROM given.fingerprint
    OR kept.sums IS DISTINCT FROM array_fill(NULL::bigint, ARRAY[given.groups])
ON CONFLICT (destination_id, audience_id) DO UPDATE
SET reading = excluded.reading,
    hashing = excluded.hashing,
    fingerprint = excluded.fingerprint,
    sums = excluded.sums
